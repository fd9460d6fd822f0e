import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeCertificate } from './test/certificates.ts';
import { TlsFileError, type TlsPaths } from './tls-files.ts';
import { TlsIdentity } from './tls-identity.ts';

let directory: string;
let paths: { certificate: string; privateKey: string; authorities: string };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tls-files-'));
  const authority = makeCertificate({ subject: 'authority', isAuthority: true });
  const server = makeCertificate({ subject: 'n1', names: ['n1'] }, authority);
  paths = {
    certificate: write('server.pem', server.certificatePem),
    privateKey: write('server.key', server.keyPem),
    authorities: write('ca.pem', authority.certificatePem),
  };
});

afterEach(() => rmSync(directory, { recursive: true }));

function write(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

async function problemOf(changed: TlsPaths, nowMs?: number): Promise<TlsFileError> {
  const loading = TlsIdentity.load({ ...paths, ...changed }, () => nowMs ?? Date.now());
  const error: unknown = await loading.then(
    () => 'no problem',
    (problem: unknown) => problem,
  );
  expect(error).toBeInstanceOf(TlsFileError);
  return error as TlsFileError;
}

it('good files are taken, and so is every good part of them', async () => {
  const whole = await TlsIdentity.load(paths);
  expect([whole.hasCertificate, whole.hasAuthorities]).toEqual([true, true]);
  const trusting = await TlsIdentity.load({ authorities: paths.authorities });
  expect([trusting.hasCertificate, trusting.hasAuthorities]).toEqual([false, true]);
  expect(whole.contextOptions.minVersion).toBe('TLSv1.2');
  const { certificate, privateKey } = paths;
  const alone = await TlsIdentity.load({ certificate, privateKey });
  // Undefined would mean those of the public web.
  expect(alone.contextOptions.ca).toEqual([]);
});

it('a file that is not there, or that nobody may read, is named', async () => {
  const missing = join(directory, 'nowhere.pem');
  for (const key of ['certificate', 'privateKey', 'authorities']) {
    const problem = await problemOf({ [key]: missing });
    expect(problem.message).toBe(`${missing}: there is no such file`);
    expect(problem.path).toBe(missing);
  }
  const asDirectory = await problemOf({ authorities: directory });
  expect(asDirectory.reason).toBe('the file cannot be read (EISDIR)');
});

it.runIf(process.getuid?.() !== 0)('a file that this user may not read is named', async () => {
  chmodSync(paths.certificate, 0);
  expect((await problemOf({})).reason).toContain('may not read');
});

it('a file with something else in it is named', async () => {
  const text = write('text.pem', 'no PEM at all');
  expect((await problemOf({ certificate: text })).message).toBe(
    `${text}: the file holds no certificate (PEM)`,
  );
  expect((await problemOf({ authorities: text })).message).toBe(
    `${text}: the file holds no certificate (PEM)`,
  );
  expect((await problemOf({ privateKey: text })).message).toBe(
    `${text}: the file holds no private key (PEM)`,
  );
  const { privateKey } = paths;
  expect((await problemOf({ certificate: privateKey })).path).toBe(privateKey);
});

it('damage is told from absence', async () => {
  const torn = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
  const good = makeCertificate({ subject: 'n1' }).certificatePem;
  const second = await problemOf({ authorities: write('torn.pem', good + torn) });
  expect(second.reason).toBe('certificate 2 of the file is damaged');
  const tornKey = torn.replaceAll('CERTIFICATE', 'PRIVATE KEY');
  const key = await problemOf({ privateKey: write('torn.key', tornKey) });
  expect(key.reason).toBe('the private key is damaged');
});

it('a key under a pass phrase is refused as such', async () => {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
  });
  const problem = await problemOf({ privateKey: write('locked.key', privateKey) });
  expect(problem.reason).toContain('encrypted with a pass phrase');
});

it('a key that others may read is refused', async () => {
  chmodSync(paths.privateKey, 0o640);
  const problem = await problemOf({});
  expect(problem.message).toBe(
    `${paths.privateKey}: others may read this private key (mode 0640): chmod 600 it`,
  );
  chmodSync(paths.privateKey, 0o400);
  await expect(TlsIdentity.load(paths)).resolves.toBeInstanceOf(TlsIdentity);
});

it('a key of another certificate is refused, with both files named', async () => {
  const other = write('other.key', makeCertificate({ subject: 'n2' }).keyPem);
  const problem = await problemOf({ privateKey: other });
  expect(problem.message).toBe(
    `${other}: the private key does not belong to the certificate of CN=n1 in ${paths.certificate}`,
  );
});

it('one without the other is refused', async () => {
  const noKey = await problemOf({ privateKey: undefined });
  expect(noKey.message).toContain(`${paths.certificate}: there is no private key`);
  const noCertificate = await problemOf({ certificate: undefined });
  expect(noCertificate.message).toContain(`${paths.privateKey}: there is no certificate`);
});

it('a certificate is refused before and after its time', async () => {
  const dayMs = 86_400_000;
  const late = await problemOf({}, Date.now() + 2 * dayMs);
  expect(late.message).toMatch(/server\.pem: the certificate of CN=n1 expired on .* GMT$/);
  const early = await problemOf({}, Date.now() - 2 * dayMs);
  expect(early.message).toMatch(
    /server\.pem: the certificate of CN=n1 is not valid before .* GMT$/,
  );
});

it('of the authorities one must be within its time', async () => {
  const old = { subject: 'old authority', isAuthority: true, validFromMs: 0, validToMs: 1_000 };
  const expired = makeCertificate(old).certificatePem;
  const problem = await problemOf({ authorities: write('old.pem', expired) });
  expect(problem.message).toMatch(/old\.pem: the certificate of CN=old authority expired on Jan/);
  const current = makeCertificate({ subject: 'new', isAuthority: true }).certificatePem;
  const both = { ...paths, authorities: write('both.pem', expired + current) };
  await expect(TlsIdentity.load(both)).resolves.toBeInstanceOf(TlsIdentity);
});

it('a key that OpenSSL finds too weak is refused with the reason', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 512 });
  expect(publicKey.asymmetricKeyDetails?.modulusLength).toBe(512);
  const weak = makeCertificate({ subject: 'weak' }, undefined, { privateKey, publicKey });
  const problem = await problemOf({
    certificate: write('weak.pem', weak.certificatePem),
    privateKey: write('weak.key', weak.keyPem),
  });
  expect(problem.message).toMatch(/weak\.pem: OpenSSL refuses it: .*key too small/);
});

it('a reload that fails leaves everything as it was', async () => {
  const identity = await TlsIdentity.load(paths);
  const before = identity.context;
  let reloads = 0;
  identity.onReload(() => {
    reloads += 1;
  });
  writeFileSync(paths.certificate, 'half written');
  await expect(identity.reload()).rejects.toThrow(`${paths.certificate}: the file holds no`);
  expect(identity.context).toBe(before);
  expect(reloads).toBe(0);
  expect(existsSync(paths.certificate)).toBe(true);
});
