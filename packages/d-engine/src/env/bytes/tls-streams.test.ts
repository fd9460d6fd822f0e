import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { Agent, get } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  connect as connectTls,
  createServer as createTlsServer,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { portOf } from '../test/network-kit.ts';
import { SocketNetwork } from './byte-network.ts';
import type { ByteListenOptions, TlsConnectOptions, TlsListenOptions } from './byte-options.ts';
import {
  counted,
  listenOn,
  rawSocket,
  StreamRecorder,
  type TestListener,
  until,
} from './test/byte-kit.ts';
import {
  type CertificateWish,
  makeCertificate,
  type TestCertificate,
} from './test/certificates.ts';
import { TlsIdentity } from './tls-identity.ts';

let network: SocketNetwork;
let directory: string;
let authority: TestCertificate;
let server: TlsIdentity;
let client: TlsIdentity;
let files = 0;

beforeEach(async () => {
  network = new SocketNetwork();
  directory = mkdtempSync(join(tmpdir(), 'tls-streams-'));
  authority = makeCertificate({ subject: 'authority', isAuthority: true });
  server = await identityOf({ subject: 'n1', names: ['n1.example', '127.0.0.1'] });
  client = await identityOf({ subject: 'n2', names: ['n2.example'] });
});

afterEach(async () => {
  await network.close();
  rmSync(directory, { recursive: true });
});

async function identityOf(wish: CertificateWish, by = authority): Promise<TlsIdentity> {
  files += 1;
  const path = (suffix: string): string => join(directory, `${files}.${suffix}`);
  const paths = { certificate: path('pem'), privateKey: path('key'), authorities: path('ca') };
  writeIdentity(paths, wish, by);
  writeFileSync(paths.authorities, authority.certificatePem);
  return TlsIdentity.load(paths);
}

function writeIdentity(
  paths: { certificate: string; privateKey: string },
  wish: CertificateWish,
  by = authority,
): void {
  const made = makeCertificate(wish, by);
  writeFileSync(paths.certificate, made.certificatePem);
  writeFileSync(paths.privateKey, made.keyPem, { mode: 0o600 });
}

interface Secured extends TestListener {
  readonly refusals: string[];
}

async function listen(
  changed: Partial<TlsListenOptions> = {},
  options: ByteListenOptions = {},
): Promise<Secured> {
  const refusals: string[] = [];
  const on = await listenOn(network, {
    ...options,
    tls: { identity: server, clientAuth: 'none', ...changed },
    onAcceptError: (error) => refusals.push(error.message),
  });
  return { ...on, refusals };
}

function connect(on: TestListener, tls: Partial<TlsConnectOptions> = {}): StreamRecorder {
  const here = new StreamRecorder();
  const options = { tls: { identity: client, ...tls } };
  const stream = network.connect(on.listener.address, here, options);
  here.onBytesDo = () => stream.end();
  stream.write(Buffer.from('hello'));
  return here;
}

/** The other side has it, and answers. */
async function answer(on: TestListener, count = 1): Promise<void> {
  await until(() => on.accepted.length === count);
  const { stream, recorder } = on.accepted[count - 1] as (typeof on.accepted)[number];
  await until(() => recorder.text === 'hello');
  stream.write(Buffer.from('welcome'));
  stream.end();
}

describe('a stream over TLS', () => {
  it('carries bytes, half-closes, and closes in good order', async () => {
    const on = await listen();
    const here = connect(on);
    await answer(on);
    await here.heard('closed');
    expect(here.text).toBe('welcome');
    expect(here.events).toEqual(['open', 'end', 'closed']);
    await on.accepted[0]?.recorder.heard('closed');
    await until(() => network.openSockets === 0);
  });

  it.each(['here', 'there'])('goes on one way after an end from %s', async (first) => {
    const on = await listen();
    const here = new StreamRecorder();
    const stream = network.connect(on.listener.address, here, { tls: { identity: client } });
    await here.heard('open');
    await until(() => on.accepted.length === 1);
    const other = on.accepted[0] as (typeof on.accepted)[number];
    const ends = [
      { stream, recorder: here },
      { stream: other.stream, recorder: other.recorder },
    ] as const;
    const [early, late] = first === 'here' ? ends : [ends[1], ends[0]];
    early.stream.end();
    await late.recorder.heard('end');
    late.stream.write(Buffer.from('after your end'));
    await until(() => early.recorder.text === 'after your end');
    expect(late.recorder.closed).toBe(false);
    late.stream.end();
    await Promise.all([early.recorder.heard('closed'), late.recorder.heard('closed')]);
  });

  it('tells of back-pressure', async () => {
    const on = await listen();
    const here = new StreamRecorder();
    const stream = network.connect(on.listener.address, here, { tls: { identity: client } });
    await here.heard('open');
    await until(() => on.accepted.length === 1);
    const there = on.accepted[0];
    there?.stream.pause();
    const piece = counted(100_000);
    let writtenBytes = piece.length;
    while (stream.write(piece)) {
      writtenBytes += piece.length;
      await new Promise(setImmediate);
    }
    there?.stream.resume();
    await until(() => there?.recorder.byteCount === writtenBytes);
    await until(() => here.drains === 1);
    expect(Buffer.compare(there?.recorder.bytes.subarray(0, 100_000) ?? piece, piece)).toBe(0);
  });

  it('ends when the socket under it is cut off', async () => {
    const on = await listen();
    const here = connect(on);
    await until(() => on.accepted[0]?.recorder.text === 'hello');
    on.listener.destroySockets();
    await here.gone();
    expect(here.text).toBe('');
  });

  it('is given up when nobody answers the handshake', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await until(() => silent.listening);
    const bound = silent.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    const impatient = new SocketNetwork({ connectTimeoutMs: 100 });
    const here = new StreamRecorder();
    const address = `127.0.0.1:${port}`;
    impatient.connect(address, here, { tls: { identity: client } });
    await here.heard('lost');
    expect(here.events).toEqual(['lost']);
    expect(here.error?.message).toBe(`cannot connect to ${address}: no answer within 100 ms`);
    expect(impatient.openSockets).toBe(0);
    silent.close();
  });

  it('drops who does not finish the handshake in time, and who begins none', async () => {
    network = new SocketNetwork({ sniffTimeoutMs: 100 });
    const on = await listen();
    const silent = await rawSocket(on.port);
    const plain = await rawSocket(on.port);
    plain.write('GET / HTTP/1.1\r\n\r\n');
    await until(() => on.refusals.length === 2);
    await until(() => network.openSockets === 0);
    expect(on.accepted).toEqual([]);
    silent.destroy();
    plain.destroy();
  });
});

describe('the names in a certificate', () => {
  it('of the server must be those that are dialled or expected', async () => {
    const on = await listen();
    const byAddress = connect(on);
    const byName = connect(on, { serverName: 'n1.example' });
    const other = connect(on, { serverName: 'n3.example' });
    await Promise.all([byAddress.heard('open'), byName.heard('open'), other.heard('lost')]);
    expect(other.events).toEqual(['lost']);
    expect(other.error?.message).toContain('n3.example');
    expect(other.error).toMatchObject({ status: 'unauthenticated', mayHaveBeenSent: false });
    expect(other.error?.message).toMatch(/: its certificate is for another name: .*n3\.example/);
  });

  it('of a client can be asked for once it is trusted', async () => {
    const open = await listen();
    connect(open);
    await until(() => open.accepted.length === 1);
    expect(open.accepted[0]?.stream.certificate).toBeUndefined();
    const on = await listen({ clientAuth: 'required' });
    connect(on);
    await until(() => on.accepted.length === 1);
    const certificate = on.accepted[0]?.stream.certificate;
    expect(certificate?.subject).toBe('CN=n2');
    expect(certificate?.bears('n2.example')).toBe(true);
    expect(certificate?.bears('n1.example')).toBe(false);
    expect(certificate?.bears('127.0.0.1')).toBe(false);
  });
});

describe('authorities', () => {
  it('that a client does not know vouch for no server', async () => {
    const unknown = makeCertificate({ subject: 'unknown', isAuthority: true });
    server = await identityOf({ subject: 'n1', names: ['127.0.0.1'] }, unknown);
    const here = connect(await listen());
    await here.heard('lost');
    expect(here.error?.message).toContain('no authority that is trusted here vouches for');
  });

  it('that a server does not know vouch for no client, nor does nobody', async () => {
    const on = await listen({ clientAuth: 'required' });
    const good = connect(on);
    await answer(on);
    await good.heard('closed');
    const unknown = makeCertificate({ subject: 'unknown', isAuthority: true });
    const strangers = await identityOf({ subject: 'n2' }, unknown);
    const withUnknown = connect(on, { identity: strangers });
    const authorities = join(directory, 'only.ca');
    writeFileSync(authorities, authority.certificatePem);
    const withNone = connect(on, { identity: await TlsIdentity.load({ authorities }) });
    await Promise.all([withUnknown.gone(), withNone.gone()]);
    expect(withUnknown.text + withNone.text).toBe('');
    expect(on.accepted.length).toBe(1);
    await until(() => on.refusals.length === 2);
    const refused = 'refused the caller at 127.0.0.1: ';
    const [none, unknownOne] = [...on.refusals].sort();
    expect(none).toContain(`${refused}it showed no certificate, and callers need one here (mTLS)`);
    expect(unknownOne).toMatch(/no authority that is trusted here vouches for its certificate/);
    expect(withNone.error?.message).toContain('it takes callers with a certificate only (mTLS)');
  });
});

describe('TLS itself', () => {
  it('is refused below version 1.2', async () => {
    const on = await listen();
    const old = connectTls({
      host: '127.0.0.1',
      port: on.port,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT:@SECLEVEL=0',
      rejectUnauthorized: false,
    });
    const why = await new Promise<string>((resolve) => {
      old.once('error', (error: Error) => resolve(error.message));
      old.once('secureConnect', () => resolve(`connected with ${old.getProtocol()}`));
    });
    expect(why).toMatch(/protocol version|no protocols available/);
    old.destroy();
    const newer = connectTls({ host: '127.0.0.1', port: on.port, rejectUnauthorized: false });
    await new Promise((resolve) => newer.once('secureConnect', resolve));
    expect(newer.getProtocol()).toBe('TLSv1.3');
    newer.destroy();
  });

  it('with a server that does not offer HTTP/2 is no connection, by whatever name', async () => {
    const names: string[] = [];
    const SNICallback: TlsOptions['SNICallback'] = (name, answerWith) => {
      names.push(name);
      answerWith(null);
    };
    const other = createTlsServer({ ...server.contextOptions, SNICallback });
    other.listen(0, '127.0.0.1');
    await until(() => other.listening);
    const bound = other.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    const here = new StreamRecorder();
    network.connect(`127.0.0.1:${port}`, here, { tls: { identity: client } });
    await here.heard('lost');
    expect(here.error?.message).toContain('does not offer HTTP/2');
    expect(names).toEqual([]);
    const named = { tls: { identity: client, serverName: 'n1.example' } };
    const again = new StreamRecorder();
    network.connect(`127.0.0.1:${port}`, again, named);
    await again.heard('lost');
    expect(names).toEqual(['n1.example']);
    other.close();
  });
});

describe('one port for two protocols', () => {
  it('tells them apart by ALPN, and without it by the first bytes', async () => {
    const http = createHttpServer((request, response) => response.end(`you want ${request.url}`));
    const sockets: TLSSocket[] = [];
    const on = await listen({}, { http1: (socket) => http.emit('connection', socket) });
    const agent = new Agent({ ca: authority.certificatePem, keepAlive: false });
    const text = await new Promise<string>((resolve, reject) => {
      get(`https://127.0.0.1:${on.port}/status`, { agent }, (response) => {
        response.setEncoding('utf8').on('data', resolve);
      }).on('error', reject);
    });
    expect(text).toBe('you want /status');
    const ca = authority.certificatePem;
    for (const ALPNProtocols of [['h2'], undefined]) {
      const options = { host: '127.0.0.1', port: on.port, ca };
      const socket = connectTls(
        ALPNProtocols === undefined ? options : { ...options, ALPNProtocols },
      );
      sockets.push(socket);
      socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    }
    await until(() => on.accepted.length === 2);
    for (const { recorder } of on.accepted) await until(() => recorder.byteCount === 24);
    const both = connectTls({
      ...{ host: '127.0.0.1', port: on.port, ca },
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    await new Promise((resolve) => both.once('secureConnect', resolve));
    expect(both.alpnProtocol).toBe('http/1.1');
    sockets.push(both);
    for (const socket of sockets) socket.destroy();
    http.closeAllConnections();
  });
});

describe('a reload', () => {
  it('shows new connections the new certificate, and leaves those that stand', async () => {
    const paths = {
      certificate: join(directory, 'rotated.pem'),
      privateKey: join(directory, 'rotated.key'),
    };
    writeIdentity(paths, { subject: 'old', names: ['127.0.0.1'] });
    server = await TlsIdentity.load(paths);
    const on = await listen();
    const subjects: unknown[] = [];
    const look = async (): Promise<TLSSocket> => {
      const options = { host: '127.0.0.1', port: on.port, ca: authority.certificatePem };
      const socket = connectTls(options);
      await new Promise((resolve) => socket.once('secureConnect', resolve));
      subjects.push(socket.getPeerCertificate().subject.CN);
      return socket;
    };
    const first = await look();
    writeIdentity(paths, { subject: 'new', names: ['127.0.0.1'] });
    const early = await look();
    await server.reload();
    const late = await look();
    expect(subjects).toEqual(['old', 'old', 'new']);
    first.write('still here');
    await until(() => on.accepted[0]?.recorder.text === 'still here');
    for (const socket of [first, early, late]) socket.destroy();
    await on.listener.close();
    writeIdentity(paths, { subject: 'newer', names: ['127.0.0.1'] });
    await server.reload();
  });

  it('makes a client trust new authorities', async () => {
    const on = await listen();
    const other = makeCertificate({ subject: 'other authority', isAuthority: true });
    const authorities = join(directory, 'trusted.ca');
    writeFileSync(authorities, other.certificatePem);
    const identity = await TlsIdentity.load({ authorities });
    const before = connect(on, { identity });
    await before.heard('lost');
    writeFileSync(authorities, other.certificatePem + authority.certificatePem);
    await identity.reload();
    const after = connect(on, { identity });
    await after.heard('open');
    expect(portOf(on.listener.address)).toBe(on.port);
  });
});
