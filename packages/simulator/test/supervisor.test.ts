import { DEngineError, DiskError } from '@d-engine/base';
import { VirtualWorld } from '@d-engine/virtual-env';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Counters } from '../src/counters.ts';
import { Supervisor } from '../src/supervisor.ts';
import type { Violation } from '../src/violation.ts';
import { dataDirectory, VirtualCluster } from '../src/virtual-cluster.ts';
import { quietScenario } from './three-members.ts';

let world: VirtualWorld;
let cluster: VirtualCluster;
let supervisor: Supervisor;
let counters: Counters;
let violations: Violation[];

beforeEach(async () => {
  const scenario = { ...quietScenario(1), segmentBytes: 8 * 1024 };
  world = new VirtualWorld({ seed: 1, ...scenario.world });
  counters = new Counters();
  violations = [];
  cluster = new VirtualCluster(
    world,
    scenario,
    {
      onDeath: (id, error) => supervisor.onDeath(id, error),
      onStopped: (id) => supervisor.onStopped(id),
      onRunning: (id) => supervisor.onRunning(id),
      onTornVote: (id) => supervisor.onTornVote(id),
    },
    counters,
  );
  supervisor = new Supervisor({
    world,
    cluster,
    counters,
    restartMsMax: 1_000,
    recoveryCrashShare: 0,
    entryBytesMax: 1_024,
    violated: (check, text) => violations.push({ check, text }),
  });
  for (const id of cluster.ids) cluster.start(id);
  await world.run({ until: () => cluster.leader !== undefined, limitMs: 10_000 });
});

const runs = (id: number) => (): boolean => cluster.node(id) !== undefined;
const isDown = (id: number) => (): boolean => cluster.node(id) === undefined;

/** Enough for more than one log file. */
async function fillLog(): Promise<void> {
  const value = 'x'.repeat(1_000);
  for (let number = 0; number < 20; number++) {
    const { leader } = cluster;
    if (leader === undefined) throw new Error('nobody leads');
    await world.complete(leader.client.put('k', `${value}${number}`));
  }
  await world.run({ forMs: 2_000 });
}

/** What the process of member 1 hears when this file cannot grow. */
async function failToGrow(path: string): Promise<unknown> {
  const { disk, env } = cluster.host(1);
  const file = await world.complete(
    env.disk.open(path, disk.peek(path) === undefined ? 'create' : 'readWrite'),
  );
  disk.setCapacity(disk.usedBytes);
  const written = file.write(0, [new Uint8Array(100_000)]).then(() => undefined, identity);
  const error = await world.complete(written);
  disk.setCapacity(2 ** 40);
  return error;
}

const identity = (error: unknown): unknown => error;

describe('the supervisor of the members', () => {
  test('starts a member again that was killed, or stopped when it was asked to', async () => {
    expect(supervisor.crash(1, false)).toBe(true);
    expect(supervisor.crash(1, false)).toBe(false);
    expect(await world.run({ until: runs(1), limitMs: 2_000 })).toBe(true);
    let stopped = 0;
    supervisor.stop(2, () => {
      stopped += 1;
    });
    expect(stopped).toBe(0);
    await world.run({ until: isDown(2), limitMs: 2_000 });
    expect(stopped).toBe(1);
    expect(await world.run({ until: runs(2), limitMs: 2_000 })).toBe(true);
    expect(violations).toEqual([]);
  });

  test('takes the end of a member whose disk failed on order, and no other', async () => {
    const follower = cluster.ids.find((id) => cluster.node(id)?.isLeader === false) ?? 0;
    const { disk } = cluster.host(follower);
    disk.failNext({ operation: 'sync', kind: 'io', pathIncludes: '/log/' });
    await fillLog();
    expect(counters.get('members stopped by a disk error')).toBe(1);
    expect(await world.run({ until: runs(follower), limitMs: 2_000 })).toBe(true);
    expect(violations).toEqual([]);
    supervisor.onDeath(2, new Error('a defect'));
    supervisor.onDeath(3, new DiskError('io', '/data/log', 'the file is closed'));
    supervisor.onDeath(3, new DiskError('io', '/data/log', 'sync failed (io, on order)'));
    supervisor.onDeath(3, new DiskError('full', '/data/log', 'no space left'));
    expect(violations.map(({ check }) => check)).toEqual(Array(4).fill('no member dies'));
  });

  test('wipes a member that holds what its cluster gave up, where something was', async () => {
    const error = new DEngineError('HistoryGivenUp', 'as the member says it');
    const isBound = vi.spyOn(cluster.memberships, 'isBound').mockReturnValue(true);
    supervisor.onDeath(1, error);
    expect(violations.map(({ check }) => check)).toEqual(['no member dies']);
    const lost = { atMs: 1, historiesBefore: 0, from: 5, to: 6 };
    vi.spyOn(cluster.losses, 'all', 'get').mockReturnValue([lost]);
    supervisor.onDeath(1, error);
    expect(violations).toHaveLength(2);
    isBound.mockReturnValue(false);
    const before = cluster.node(1)?.raft.instanceId;
    supervisor.onDeath(1, error);
    expect(await world.run({ until: runs(1), limitMs: 2_000 })).toBe(true);
    expect(cluster.node(1)?.raft.instanceId).not.toBe(before);
    expect(violations).toHaveLength(2);
  });

  test('an error that an earlier process of the member got explains nothing', async () => {
    const { disk, env } = cluster.host(1);
    disk.failNext({ operation: 'open', kind: 'io', pathIncludes: '/data/some-file' });
    const opened = env.disk.open('/data/some-file', 'create').then(() => undefined, identity);
    const error = await world.complete(opened);
    supervisor.onDeath(1, new Error('the start failed', { cause: error }));
    expect(violations).toEqual([]);
    supervisor.crash(1, false);
    await world.run({ until: runs(1), limitMs: 2_000 });
    supervisor.onDeath(1, error);
    expect(violations).toHaveLength(1);
  });

  test('a full disk stops a member that is up only when its log file is full too', async () => {
    await fillLog();
    expect(violations).toEqual([]);
    supervisor.onDeath(1, await failToGrow('/data/log/00000000000000000099.segment.tmp'));
    expect(violations).toHaveLength(1);
    supervisor.onDeath(1, await failToGrow('/data/hard-state'));
    expect(violations).toHaveLength(2);
    supervisor.onDeath(1, await failToGrow('/data/identity.json.tmp'));
    expect(violations).toHaveLength(3);
  });

  test('a member that stops although nobody asked it to is a violation', async () => {
    await world.complete(cluster.node(2)?.stop() ?? Promise.resolve());
    await world.run({ forMs: 10 });
    expect(violations.map(({ text }) => text)).toEqual([
      'node 2 stopped, and nobody had asked it to',
    ]);
  });

  test('takes the end of a member whose disk is full', async () => {
    const { disk } = cluster.host(1);
    disk.setCapacity(disk.usedBytes);
    supervisor.crash(1, false);
    await world.run({ forMs: 3_000 });
    expect(counters.get('members stopped by a full disk')).toBeGreaterThan(0);
    disk.setCapacity(2 ** 40);
    expect(await world.run({ until: runs(1), limitMs: 3_000 })).toBe(true);
    expect(violations).toEqual([]);
  });

  test('a damaged log keeps its member out until it is mended', async () => {
    await fillLog();
    supervisor.crash(1, false);
    const path = `${dataDirectory}/log/00000000000000000001.segment`;
    supervisor.damage(1, { path, position: 200, length: 16 });
    await world.run({ forMs: 5_000 });
    expect(cluster.node(1)).toBeUndefined();
    expect(counters.get('damaged logs refused')).toBeGreaterThan(0);
    supervisor.mend(1);
    expect(await world.run({ until: runs(1), limitMs: 3_000 })).toBe(true);
    expect(violations).toEqual([]);
  });

  test('a member that starts on a damaged log is a violation', async () => {
    await fillLog();
    supervisor.crash(1, false);
    // Behind all records: nobody can see it, so the start goes through.
    const path = `${dataDirectory}/log/00000000000000000001.segment`;
    supervisor.damage(1, { path, position: 8_180, length: 0 });
    expect(await world.run({ until: runs(1), limitMs: 3_000 })).toBe(true);
    expect(violations.map(({ check }) => check)).toEqual(['damage is refused']);
  });

  test('a member that is wiped comes back on another disk', async () => {
    const before = cluster.node(1)?.raft.instanceId;
    expect(supervisor.wipe(1)).toBe(true);
    expect(supervisor.wipe(1)).toBe(false);
    expect(cluster.host(1).disk.peekNames(dataDirectory)).toBeUndefined();
    expect(await world.run({ until: runs(1), limitMs: 2_000 })).toBe(true);
    expect(cluster.node(1)?.raft.instanceId).not.toBe(before);
    expect(violations).toEqual([]);
  });

  test('a copy of the vote that went bad is survived once its member is up', async () => {
    const spoil = (): void => {
      supervisor.crash(1, false);
      supervisor.spoilVote(1, { path: `${dataDirectory}/hard-state`, position: 8, length: 1 });
    };
    spoil();
    expect(counters.get('damaged votes survived')).toBe(0);
    expect(await world.run({ until: runs(1), limitMs: 2_000 })).toBe(true);
    expect(counters.get('damaged votes survived')).toBe(1);
    expect(counters.get('torn copies of the vote')).toBe(0);
    // The start has mended it: the next one meets nothing.
    supervisor.crash(1, false);
    expect(await world.run({ until: runs(1), limitMs: 2_000 })).toBe(true);
    expect(counters.get('damaged votes survived')).toBe(1);
    spoil();
    supervisor.crash(1, false);
    expect(counters.get('damaged votes survived')).toBe(1);
  });

  test('in the calm members come back at once, but for those kept out', async () => {
    supervisor.crash(1, true);
    supervisor.crash(2, true);
    supervisor.calm([2]);
    expect(await world.run({ until: runs(1), limitMs: 500 })).toBe(true);
    await world.run({ forMs: 5_000 });
    expect(isDown(2)()).toBe(true);
    supervisor.calm([]);
    expect(await world.run({ until: runs(2), limitMs: 500 })).toBe(true);
  });
});
