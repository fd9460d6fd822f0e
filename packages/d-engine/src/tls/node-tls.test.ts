import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, silentLogger } from '@d-engine/base';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../config/index.ts';
import { loadText } from '../config/test-support.ts';
import { until } from '../env/bytes/test/byte-kit.ts';
import { type CertificateWish, makeCertificate } from '../env/bytes/test/certificates.ts';
import { MetricsRegistry } from '../env/index.ts';
import { NodeTls, type NodeTlsParts } from './node-tls.ts';

const dayMs = 86_400_000;
const authority = makeCertificate({ subject: 'authority', isAuthority: true });

let directory: string;
let lines: string[];
let logger: Logger;
let metrics: MetricsRegistry;
let opened: NodeTls[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'node-tls-'));
  lines = [];
  opened = [];
  metrics = new MetricsRegistry();
  logger = {
    ...silentLogger,
    warn: (message) => lines.push(`WARN ${message}`),
    error: (message) => lines.push(`ERROR ${message}`),
  };
  write('ca.pem', authority.certificatePem);
  writeCertificate({ subject: 'n1', names: ['10.0.0.1'] });
});

afterEach(() => {
  for (const tls of opened) tls.close();
  rmSync(directory, { recursive: true });
});

function path(name: string): string {
  return join(directory, name);
}

function write(name: string, text: string): void {
  writeFileSync(path(name), text, { mode: 0o600 });
}

function writeCertificate(wish: CertificateWish): void {
  const made = makeCertificate(wish, authority);
  write('n1.pem', made.certificatePem);
  write('n1.key', made.keyPem);
}

const own = ['server_certificate_path = "n1.pem"', 'server_private_key_path = "n1.key"'];
const trust = ['certificate_authority_root_path = "ca.pem"'];
const mutual = ['enable_mtls = true', 'client_certificate_authority_root_path = "ca.pem"'];
const members = [
  'initial_cluster = [',
  '  { id = 1, address = "10.0.0.1:9081", role = 1, status = 2 },',
  '  { id = 2, address = "10.0.0.2:9081", role = 1, status = 2 },',
  ']',
];

/** Of two members; file names stand for those in the folder. */
function tlsOf(keys: readonly string[], cluster = members, parts: Partial<NodeTlsParts> = {}) {
  const db = `db_root_dir = "${path('db')}"`;
  const inPlace = keys.map((key) => key.replace(/"(.+)"/, (_, name: string) => `"${path(name)}"`));
  const text = [
    '[cluster]',
    'node_id = 1',
    db,
    ...cluster,
    '[tls]',
    'enable_tls = true',
    ...inPlace,
  ];
  const { config } = loadText(text.join('\n'));
  return NodeTls.open(config, { logger, metrics, ...parts });
}

async function opens(...args: Parameters<typeof tlsOf>): Promise<NodeTls> {
  const tls = await tlsOf(...args);
  if (tls === undefined) throw new Error('no TLS');
  opened.push(tls);
  return tls;
}

async function problemOf(...args: Parameters<typeof tlsOf>): Promise<string> {
  const error: unknown = await opens(...args).catch((problem: unknown) => problem);
  expect(error).toBeInstanceOf(ConfigError);
  return (error as ConfigError).message;
}

describe('a start', () => {
  it('without enable_tls looks at no file', async () => {
    const { config } = loadText('[tls]\nserver_certificate_path = "nowhere.pem"');
    expect(await NodeTls.open(config, { logger, metrics })).toBeUndefined();
  });

  it('asks callers for a certificate with enable_mtls alone', async () => {
    const plain = await opens([...own, ...trust]);
    expect(plain.network.listen?.clientAuth).toBe('none');
    const asking = await opens([...own, ...trust, ...mutual]);
    expect(asking.network.listen?.clientAuth).toBe('required');
    expect(lines.filter((line) => line.startsWith('ERROR'))).toEqual([]);
  });

  it('needs nobody who vouches for members where there are none', async () => {
    await opens(own, ['listen_address = "0.0.0.0:9081"']);
    const key = 'certificate_authority_root_path = "nowhere.pem"';
    expect(await problemOf([...own, key])).toBe(
      `tls.certificate_authority_root_path: ${path('nowhere.pem')}: there is no such file`,
    );
  });

  it('names key, file and reason of whatever is no use', async () => {
    const lacking = (name: string) => [...own, ...trust, ...mutual.slice(0, 1), `${name}"`];
    expect(await problemOf(lacking('client_certificate_authority_root_path = "no.pem'))).toMatch(
      /^tls\.client_certificate_authority_root_path: .*no\.pem: there is no such file$/,
    );
    chmodSync(path('n1.key'), 0o644);
    expect(await problemOf([...own, ...trust])).toMatch(
      /^tls\.server_private_key_path: .*n1\.key: others may read .*chmod 600/,
    );
    write('n1.key', makeCertificate({ subject: 'other' }).keyPem);
    chmodSync(path('n1.key'), 0o600);
    expect(await problemOf([...own, ...trust])).toMatch(/does not belong to the certificate/);
    writeCertificate({ subject: 'n1', validToMs: Date.now() - 1_000 });
    expect(await problemOf([...own, ...trust])).toMatch(
      /^tls\.server_certificate_path: .*n1\.pem: the certificate of CN=n1 expired on/,
    );
  });

  it('refuses a certificate that does not bear the host by which members come', async () => {
    writeCertificate({ subject: 'n1', names: ['10.0.0.9', 'n1.example'] });
    expect(await problemOf([...own, ...trust])).toMatch(
      /does not bear 10\.0\.0\.1, .* but IP Address:10\.0\.0\.9, DNS:n1\.example: list it in/,
    );
    writeCertificate({ subject: 'n1', names: ['10.0.0.1'] });
    const advertised = [...members, 'advertise_address = "n1.a.example:9081"'];
    expect(await problemOf([...own, ...trust], advertised)).toContain('not bear n1.a.example,');
    writeCertificate({ subject: 'n1', names: ['10.0.0.1', '*.a.example'] });
    await opens([...own, ...trust], advertised);
  });
});

describe('a certificate that the node makes', () => {
  const selfSigned = ['generate_self_signed_certificates = true'];
  const alone = ['listen_address = "127.0.0.1:9081"'];

  it('is kept over starts, and its key is for nobody else', async () => {
    await opens(selfSigned, alone);
    expect(lines).toEqual([
      expect.stringContaining(`whoever calls must trust ${path('db/tls/server.pem')}`),
    ]);
    const before = readFileSync(path('db/tls/server.pem'), 'utf8');
    expect(statSync(path('db/tls/server.key')).mode & 0o777).toBe(0o600);
    await opens(selfSigned, alone);
    expect(readFileSync(path('db/tls/server.pem'), 'utf8')).toBe(before);
    rmSync(path('db/tls/server.pem'));
    await opens(selfSigned, alone);
    expect(readFileSync(path('db/tls/server.pem'), 'utf8')).not.toBe(before);
  });

  it('is trusted by other members through a file that holds those of all', async () => {
    const keys = [...selfSigned, 'certificate_authority_root_path = "all.pem"'];
    const problem = await problemOf(keys);
    expect(problem).toMatch(
      /all\.pem: there is no such file; it holds the certificates of all who/,
    );
    expect(problem).toContain(`of this node: ${path('db/tls/server.pem')}`);
    write('all.pem', readFileSync(path('db/tls/server.pem'), 'utf8'));
    await opens(keys);
  });

  it('of an older address says how to get a new one', async () => {
    await opens(selfSigned, alone);
    write('all.pem', readFileSync(path('db/tls/server.pem'), 'utf8'));
    const keys = [...selfSigned, 'certificate_authority_root_path = "all.pem"'];
    expect(await problemOf(keys)).toMatch(/does not bear 10\.0\.0\.1.*next start makes a new/);
  });
});

describe('a reload', () => {
  it('takes all files or none, and says which', async () => {
    const tls = await opens([...own, ...trust, ...mutual]);
    const before = tls.network.connect.identity.context;
    writeCertificate({ subject: 'new', names: ['10.0.0.1'] });
    write('ca.pem', 'half written');
    await tls.reload();
    expect(tls.network.connect.identity.context).toBe(before);
    expect(lines.at(-1)).toMatch(
      /^ERROR TLS: the certificates stay as they were: tls\.c.*ca\.pem: the file holds no cert/,
    );
    write('ca.pem', authority.certificatePem);
    await tls.reload();
    expect(tls.network.connect.identity.context).not.toBe(before);
    expect(lines).toContainEqual(expect.stringContaining('certificates read anew'));
  });

  it('comes by itself once changed files have stood still', async () => {
    const tls = await opens([...own, ...trust], members, { lookEveryMs: 20 });
    const before = tls.network.connect.identity.context;
    writeCertificate({ subject: 'new', names: ['10.0.0.1'] });
    await until(() => tls.network.connect.identity.context !== before);
    expect(lines).toContainEqual(expect.stringContaining('certificates read anew'));
    rmSync(path('n1.pem'));
    await until(() => lines.some((line) => line.startsWith('ERROR')));
    const told = lines.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(lines).toHaveLength(told);
  });
});

describe('the end of a certificate', () => {
  it('is a metric, and warned of 30 days before, once a day', async () => {
    let nowMs = Date.now();
    const validToMs = Math.ceil(nowMs / 1000) * 1000 + 40 * dayMs;
    const lasting = makeCertificate({ subject: 'ca', isAuthority: true, validToMs: 2e12 });
    write('ca.pem', lasting.certificatePem);
    writeCertificate({ subject: 'n1', names: ['10.0.0.1'], validToMs });
    await opens([...own, ...trust], members, { lookEveryMs: 5, nowMs: () => nowMs });
    const series = `d_engine_tls_expires_at_seconds{file="${path('n1.pem')}"} ${validToMs / 1000}`;
    expect(metrics.render()).toContain(series);
    expect(metrics.render()).toContain(`{file="${path('ca.pem')}"} 2000000000`);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(lines).toEqual([]);
    nowMs += 10.5 * dayMs;
    await until(() => lines.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(lines).toEqual([expect.stringMatching(/^WARN .*n1\.pem expires on .*, in 29 days:/)]);
    nowMs += 30 * dayMs;
    await until(() => lines.length > 1);
    expect(lines[1]).toMatch(/^ERROR .*n1\.pem has expired on/);
  });
});
