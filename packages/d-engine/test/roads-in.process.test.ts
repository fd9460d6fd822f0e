import { encodeWriteCommand } from '@d-engine/base';
import { encodeClientReadRequest, encodeClientWriteRequest } from '@d-engine/wire';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { httpCall } from '../../../tools/cluster/http-call.ts';
import { LocalCluster } from '../../../tools/cluster/local-cluster.ts';
import type { CommandResult } from '../../../tools/cluster/run-command.ts';
import { runCommand } from '../../../tools/cluster/run-command.ts';
import { clientOf, others, repositoryRoot } from './support/cluster-kit.ts';
import type { FoundBody } from './support/http-store.ts';
import { bodyOf, post, read } from './support/http-store.ts';
import { framed, grpcCall } from './support/raw-grpc.ts';

let cluster: LocalCluster;
let leader: number;
let follower: number;
beforeAll(async () => {
  cluster = await LocalCluster.create({ root: repositoryRoot });
  cluster.startAll();
  leader = (await cluster.waitUntilSettled()).node_id;
  [follower] = others(cluster, leader);
});
afterAll(() => cluster.dispose());

const text = (bytes: Uint8Array | null | undefined): string | undefined =>
  bytes === null || bytes === undefined ? undefined : Buffer.from(bytes).toString();

test('HTTP serves every operation, on the leader and on a follower alike', async () => {
  for (const id of [leader, follower]) {
    const address = cluster.address(id);
    const key = `http/${id}`;
    const put = await post(address, '/put', { key, value: 'one' });
    expect(put.status).toBe(200);
    const { revision } = bodyOf<{ revision: number }>(put);
    for (const consistency of ['linearizable', 'LinearizableRead', 'lease', undefined]) {
      const found = await read(address, key, consistency);
      expect(bodyOf<FoundBody>(found)).toMatchObject({ key, value: 'one', mod_revision: revision });
    }
    const eventual = await httpCall(
      address,
      'GET',
      `/get?key=${key}&consistency=eventual&min_revision=${revision}`,
    );
    expect(bodyOf<FoundBody>(eventual)).toMatchObject({ value: 'one', consistency: 'eventual' });

    const swap = (expected: string | null, value: string | null) =>
      post(address, '/cas', { key, expected, value });
    expect(bodyOf(await swap('two', 'three'))).toMatchObject({ succeeded: false, current: 'one' });
    expect(bodyOf(await swap('one', 'two'))).toMatchObject({ succeeded: true });
    expect(bodyOf(await swap(null, 'new'))).toMatchObject({ succeeded: false, current: 'two' });
    expect(bodyOf(await post(address, '/delete', { key }))).toMatchObject({ deleted: true });
    expect(bodyOf(await post(address, '/delete', { key }))).toMatchObject({ deleted: false });
    const absent = await read(address, key, 'linearizable');
    expect(absent.status).toBe(200);
    expect(bodyOf<FoundBody>(absent)).toMatchObject({ value: null, mod_revision: null });
  }
});

test('load balancers find the leader by /primary and the others by /replica', async () => {
  for (const id of cluster.ids) {
    const primary = await httpCall(cluster.address(id), 'GET', '/primary');
    const replica = await httpCall(cluster.address(id), 'GET', '/replica');
    const leads = id === leader;
    expect([primary.status, replica.status]).toEqual(leads ? [200, 503] : [503, 200]);
  }
});

test('every node tells the status, and the leader how far the others are', async () => {
  for (const id of cluster.ids) {
    const status = await cluster.status(id);
    expect(status).toMatchObject({
      node_id: id,
      role: id === leader ? 'leader' : 'follower',
      condition: 'normal',
      condition_reason: null,
      leader: { id: leader, address: cluster.address(leader) },
    });
    expect(status?.members.map((member) => member.id)).toEqual([1, 2, 3]);
    for (const member of status?.members ?? []) {
      expect(member).toMatchObject({ address: cluster.address(member.id), role: 'voter' });
      expect(member.match_index === null).toBe(id !== leader);
    }
  }
});

test('the TypeScript client that knows a follower alone is served by way of its hint', async () => {
  const client = clientOf(cluster, follower);
  const { revision } = await client.put('grpc', 'one');
  for (const consistency of ['linearizable', 'lease', 'eventual'] as const) {
    const entry = await client.get('grpc', { consistency, minRevision: revision });
    expect(entry).toMatchObject({ modRevision: revision, version: 1 });
    expect(text(entry?.value)).toBe('one');
  }
  const failed = await client.compareAndSwap('grpc', 'two', 'three');
  expect(failed.succeeded).toBe(false);
  expect(text(failed.current)).toBe('one');
  expect((await client.compareAndSwap('grpc', 'one', null)).succeeded).toBe(true);
  expect(await client.delete('grpc')).toMatchObject({ deleted: false });
  expect((await client.status()).leader).toEqual({ id: leader, address: cluster.address(leader) });
});

test('over gRPC a follower refuses what only the leader may do, and names it', async () => {
  const service = '/d_engine.client.RaftClientService';
  const command = encodeWriteCommand({
    type: 'put',
    key: Buffer.from('refused'),
    value: Buffer.from('x'),
    ttlMs: 0,
  });
  const write = framed(encodeClientWriteRequest({ clientId: 7, command }));
  const leaseRead = framed(
    encodeClientReadRequest({
      clientId: 7,
      keys: [Buffer.from('refused')],
      consistency: 'lease',
      minRevision: 0,
    }),
  );
  const failedPrecondition = 9;
  for (const [method, request] of [
    [`${service}/HandleClientWrite`, write],
    [`${service}/HandleClientRead`, leaseRead],
  ] as const) {
    const answer = await grpcCall(cluster.address(follower), method, request);
    expect(answer).toMatchObject({ httpStatus: 200, grpcStatus: failedPrecondition });
    expect(JSON.parse(answer.leaderHint ?? '')).toEqual({
      leader_id: leader,
      address: cluster.address(leader),
    });
    expect((await grpcCall(cluster.address(leader), method, request)).grpcStatus).toBe(0);
  }
});

test('the command line puts, gets, deletes and asks for the status', async () => {
  const run = (...args: string[]): Promise<CommandResult> =>
    runCommand(
      { root: repositoryRoot, cwd: cluster.directory },
      ...args,
      '--endpoints',
      cluster.address(follower),
    );
  const put = await run('put', 'cli', 'some value');
  expect(put).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(put.stdout)).toEqual({ revision: expect.any(Number) as number });
  expect(await run('get', 'cli')).toMatchObject({ code: 0, stdout: 'some value\n', stderr: '' });
  expect(JSON.parse((await run('delete', 'cli')).stdout)).toMatchObject({ deleted: true });
  const absent = await run('get', 'cli');
  expect(absent).toMatchObject({ code: 1, stdout: '', stderr: 'no such key\n' });
  const status = JSON.parse((await run('status')).stdout) as { leader: unknown };
  expect(status.leader).toEqual({ id: leader, address: cluster.address(leader) });
});
