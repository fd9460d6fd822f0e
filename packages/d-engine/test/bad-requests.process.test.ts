import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { HttpAnswer } from '../../../tools/cluster/http-call.ts';
import { httpCall } from '../../../tools/cluster/http-call.ts';
import type { NodeProcess } from '../../../tools/cluster/node-process.ts';
import type { FoundBody } from './support/http-store.ts';
import { bodyOf, errorOf, post, read } from './support/http-store.ts';
import { NodeFolder } from './support/node-folder.ts';
import { framed, grpcCall, sendBytes } from './support/raw-grpc.ts';

const writeMethod = '/d_engine.client.RaftClientService/HandleClientWrite';
const readMethod = '/d_engine.client.RaftClientService/HandleClientRead';
const peerMethod = '/d_engine.peer.v1.PeerService/Control';

/** No protobuf: a tag without an end, a field longer than the message, a wire type of none. */
const garbageMessages = [
  Buffer.alloc(64, 0xff),
  Buffer.from([0x0a, 0x7f, 0x01]),
  Buffer.from('garbage '.repeat(500)),
];

async function startNode(): Promise<{ folder: NodeFolder; node: NodeProcess; address: string }> {
  const folder = await NodeFolder.create();
  const node = await folder.start(folder.config({}, 'config/n1.toml'));
  await post(folder.address, '/put', { key: 'kept', value: 'value' });
  return { folder, node, address: folder.address };
}

/** The same process serves on, and found nothing that an operator must look at. */
async function expectUnharmed(folder: NodeFolder, node: NodeProcess): Promise<void> {
  const found = bodyOf<FoundBody>(await read(folder.address, 'kept', 'linearizable'));
  expect(found).toMatchObject({ value: 'value', mod_revision: found.revision });
  expect((await httpCall(folder.address, 'GET', '/ready')).status).toBe(200);
  expect(node.isRunning).toBe(true);
  expect(folder.read('logs/1/d.log')).not.toMatch(/ ERROR /);
}

function expectError(answer: HttpAnswer, status: number, name: string, message: RegExp): void {
  expect(`${answer.status} ${answer.text}`).toMatch(new RegExp(`^${status} `));
  const error = errorOf(answer);
  expect(error).toMatchObject({ name, retryable: false, may_have_been_applied: false });
  expect(error.message).toMatch(message);
  expect(answer.text.endsWith('\n')).toBe(true);
}

test('a bad HTTP request is told what is wrong with it, and harms nothing', async () => {
  const { folder, node, address } = await startNode();
  const put = (body: string | Uint8Array, headers?: Record<string, string>) =>
    httpCall(address, 'POST', '/put', { body, headers });
  const good = JSON.stringify({ key: 'kept', value: 'lost' });

  const bad = (answer: HttpAnswer, message: RegExp) =>
    expectError(answer, 400, 'InvalidRequest', message);
  bad(await put('{"key":"kept",'), /JSON/);
  bad(await put(''), /body/);
  bad(await put('["kept"]'), /object/);
  bad(await put(Uint8Array.of(0x22, 0xff, 0xfe, 0x22)), /UTF-8/);
  bad(await put('{"value":"lost"}'), /key/);
  bad(await put('{"key":"kept"}'), /value/);
  bad(await put('{"key":7,"value":"lost"}'), /key.* string/);
  bad(
    await put('{"key":"kept","value":"lost","ttl":5}'),
    /unknown field "ttl"; fields of POST \/put/,
  );
  bad(await httpCall(address, 'GET', '/get'), /key/);
  bad(await httpCall(address, 'GET', '/get?key=kept&consistncy=lease'), /consistncy.*consistency/);
  bad(await read(address, 'kept', 'strong'), /strong.*linearizable/);

  const long = JSON.stringify({ key: 'kept', value: 'x'.repeat(7 * 1024 * 1024) });
  expectError(await put(long), 413, 'RequestTooLarge', /limit/);
  const longKey = JSON.stringify({ key: 'k'.repeat(100_000), value: 'lost' });
  expectError(await put(longKey), 413, 'RequestTooLarge', /"key" has 100000 bytes/);
  // Each value within its limit, and both together over that of a log entry.
  const swap = { key: 'kept', expected: 'a'.repeat(3_000_000), value: 'b'.repeat(3_000_000) };
  expectError(await post(address, '/cas', swap), 413, 'RequestTooLarge', /6000\d+ bytes in all/);
  expectError(await httpCall(address, 'GET', '/nowhere'), 404, 'NotFound', /POST \/put/);
  const wrongMethod = await httpCall(address, 'GET', '/put');
  expectError(wrongMethod, 405, 'MethodNotAllowed', /use POST/);
  expect(wrongMethod.headers.allow).toBe('POST');

  const refused = (answer: HttpAnswer, message: RegExp) =>
    expectError(answer, 403, 'Forbidden', message);
  refused(await put(good, { origin: 'https://evil.example' }), /evil\.example/);
  refused(await put(good, { origin: 'null' }), /null/);
  refused(await put(good, { 'sec-fetch-site': 'cross-site' }), /cross-site/);
  refused(await put(good, { host: 'evil.example' }), /evil\.example.*allowed_hosts/);
  // What a browser on the node's own page and a client with a name of the host send is fine.
  const same = { origin: `http://${address}`, 'sec-fetch-site': 'same-origin' };
  expect((await httpCall(address, 'GET', '/status', { headers: same })).status).toBe(200);
  const byName = await httpCall(address, 'GET', '/status', { headers: { host: 'localhost' } });
  expect(byName.status).toBe(200);
  await expectUnharmed(folder, node);
});

test('a bad gRPC call is answered by a status, and harms nothing', async () => {
  const { folder, node, address } = await startNode();
  const invalidArgument = 3;
  const unimplemented = 12;
  const nothing = '/d_engine.client.RaftClientService/Nothing';
  const unknown = await grpcCall(address, nothing, framed(Buffer.alloc(0)));
  expect(unknown).toMatchObject({ httpStatus: 200, grpcStatus: unimplemented });
  expect(unknown.grpcMessage).toContain('RaftClientService/Nothing');
  // In the original it changed the configuration past the log.
  const pastTheLog = '/d_engine.server.cluster.ClusterManagementService/UpdateClusterConf';
  const refused = await grpcCall(address, pastTheLog, framed(Buffer.alloc(0)));
  expect(refused).toMatchObject({ httpStatus: 200, grpcStatus: unimplemented });
  for (const method of [writeMethod, readMethod]) {
    for (const garbage of garbageMessages) {
      const answer = await grpcCall(address, method, framed(garbage));
      expect(answer).toMatchObject({ httpStatus: 200, grpcStatus: invalidArgument });
      expect(answer.grpcMessage).toMatch(/unreadable/);
    }
  }
  // Frames that say another length than they have, none at all, and another content type.
  const claimsMore = Buffer.concat([Buffer.from([0, 0, 0, 0, 200]), randomBytes(20)]);
  expect((await grpcCall(address, writeMethod, claimsMore)).grpcStatus).not.toBe(0);
  expect((await grpcCall(address, writeMethod, Buffer.alloc(0))).grpcStatus).not.toBe(0);
  const text = { 'content-type': 'text/plain' };
  expect((await grpcCall(address, writeMethod, framed(randomBytes(9)), text)).httpStatus).toBe(415);
  // Somebody who is no peer, on the peers' road.
  expect((await grpcCall(address, peerMethod, framed(randomBytes(99)))).grpcStatus).not.toBe(0);
  await expectUnharmed(folder, node);
});

test('bytes of no protocol end their own connection alone', async () => {
  const { folder, node, address } = await startNode();
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  const tlsHello = Buffer.concat([Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]), randomBytes(512)]);
  const all = await Promise.all([
    sendBytes(address, Buffer.concat([preface, randomBytes(2_000)]), 5_000),
    sendBytes(address, tlsHello, 5_000),
    sendBytes(address, randomBytes(100_000), 5_000),
    sendBytes(address, Buffer.from('GET / HTTP/1.1\r\nHost localhost\r\n\r\n'), 5_000),
    sendBytes(address, Buffer.from(`GET /get?key=${'k'.repeat(80_000)} HTTP/1.1\r\n\r\n`), 5_000),
    sendBytes(address, preface.subarray(0, 10), 200),
    sendBytes(address, Buffer.alloc(0), 200),
  ]);
  const [, , , malformed, longHeader] = all.map((bytes) => bytes.toString('latin1'));
  expect(malformed).toMatch(/^HTTP\/1\.1 400 /);
  expect(longHeader).toMatch(/^HTTP\/1\.1 431 /);
  await expectUnharmed(folder, node);
});
