import { DEngineError } from '@d-engine/base';
import type { Raft } from '@d-engine/raft';
import { VirtualWorld } from '@d-engine/virtual-env';
import { describe, expect, test, vi } from 'vitest';
import { AnswerWatch } from '../src/answer-watch.ts';
import { Counters } from '../src/counters.ts';
import type { Persistence } from '../src/draw-persistence.ts';
import { drawPersistence } from '../src/draw-persistence.ts';
import { Harms } from '../src/faults/harms.ts';
import { Liveness } from '../src/liveness.ts';
import { targetOf } from '../src/make-clients.ts';
import { Nemesis } from '../src/nemesis.ts';
import { Recorder } from '../src/recorder.ts';
import { Supervisor } from '../src/supervisor.ts';
import type { CheckName, Violation } from '../src/violation.ts';
import { VirtualCluster } from '../src/virtual-cluster.ts';
import { quietScenario } from './three-members.ts';

/** A whole run's parts, formed, with nothing wrong yet. */
async function formed(
  seed: number,
  members = 5,
  pendingWritesMax = 1_000,
  persistence: Persistence = drawPersistence(seed, 'DiskFirst'),
) {
  const quiet = { ...quietScenario(seed), persistence };
  const limits = { ...quiet.limits, pendingWritesMax };
  const scenario = { ...quiet, members, keys: 1, limits };
  const world = new VirtualWorld({ seed, ...scenario.world });
  const violations: Violation[] = [];
  const violated = (check: CheckName, text: string): void => {
    violations.push({ check, text });
  };
  const counters = new Counters();
  const cluster = new VirtualCluster(world, scenario, {
    onDeath: (id, error) => supervisor.onDeath(id, error),
  });
  const supervisor = new Supervisor({
    world,
    cluster,
    counters,
    restartMsMax: 1_000,
    recoveryCrashShare: 0,
    entryBytesMax: 1_024,
    violated,
  });
  const random = world.random('nemesis');
  const harms = new Harms(world, cluster);
  const tools = { world, cluster, supervisor, scenario, random, counters, harms };
  const nemesis = new Nemesis(tools, () => undefined);
  const watch = new AnswerWatch(world, violated);
  const isCutOff = (): boolean => false;
  const recorder = new Recorder({ world, counters, watch, limits, isCutOff, say: undefined });
  const step = (): boolean => violations.length > 0;
  const parts = { world, cluster, scenario, nemesis, recorder, watch, counters, step, violated };
  const liveness = new Liveness(parts);
  for (const id of cluster.ids) cluster.start(id);
  const isBound = (): boolean => cluster.ids.every((id) => cluster.memberships.isBound(id));
  expect(await world.run({ until: isBound, limitMs: 20_000 })).toBe(true);
  for (const value of ['one', 'two']) {
    const { leader } = cluster;
    if (leader === undefined) throw new Error('nobody leads');
    await world.complete(leader.client.put('before', value));
  }
  await world.run({ forMs: 10_000 });
  return { world, cluster, counters, supervisor, recorder, liveness, violations };
}

test('a majority elects, commits and answers; then everybody agrees', async () => {
  for (const seed of [1, 2, 3, 4]) {
    const { cluster, supervisor, liveness, recorder, violations } = await formed(seed);
    for (const id of cluster.ids) supervisor.crash(id, true);
    await liveness.majority();
    expect(violations).toEqual([]);
    expect(cluster.nodes.length).toBeGreaterThanOrEqual(3);
    expect(await liveness.everybody()).toBe(true);
    await liveness.readBack();
    expect(violations).toEqual([]);
    const answered = recorder.history.filter(({ outcome }) => outcome.type === 'answered');
    // One write of the majority, then a write and two reads on each member.
    expect(answered).toHaveLength(16);
  }
});

test('a majority works while the others are down or cut off', async () => {
  let kept = 0;
  for (const seed of [1, 2, 3, 4]) {
    const { cluster, counters, liveness, violations } = await formed(seed);
    expect(await liveness.majority()).toBe(true);
    const committed = cluster.leader?.commitIndex ?? 0;
    const hasNot = cluster.ids.filter((id) => (cluster.node(id)?.commitIndex ?? 0) < committed);
    expect(hasNot.length > 0).toBe(counters.get('majorities without some members') === 1);
    kept += hasNot.length;
    expect(violations).toEqual([]);
  }
  expect(kept).toBeGreaterThan(0);
});

test('a member that never catches up is a violation', async () => {
  const { cluster, liveness, violations } = await formed(1, 3);
  expect(await liveness.majority()).toBe(true);
  const node = cluster.node(3);
  if (node === undefined) throw new Error('member 3 is down');
  vi.spyOn(node, 'appliedIndex', 'get').mockReturnValue(0);
  expect(await liveness.everybody()).toBe(false);
  expect(violations[0]?.text).toContain('not everybody caught up');
});

test('a member that is never bound is a violation', async () => {
  const { cluster, liveness, violations } = await formed(1, 3);
  expect(await liveness.majority()).toBe(true);
  vi.spyOn(cluster.memberships, 'isBound').mockImplementation((id) => id !== 3);
  expect(await liveness.everybody()).toBe(false);
  expect(violations[0]?.text).toContain('not everybody is bound');
});

test('members that were wiped are not waited for, and not asked', async () => {
  for (const seed of [1, 2, 3]) {
    const { world, cluster, supervisor, liveness, recorder, violations } = await formed(seed);
    for (const id of [1, 2]) supervisor.wipe(id);
    await world.run({ forMs: 5_000 });
    expect(cluster.memberships.isOut(1)).toBe(true);
    expect(await liveness.majority()).toBe(true);
    expect(await liveness.everybody()).toBe(true);
    await liveness.readBack();
    expect(violations).toEqual([]);
    // One write of the majority, then a write and two reads on each of the three that are left.
    const answered = recorder.history.filter(({ outcome }) => outcome.type === 'answered');
    expect(answered).toHaveLength(10);
  }
});

describe('members that acknowledge from memory', () => {
  const persistence = drawPersistence(1, 'MemFirst');

  test('begin a new history together, recover, and serve', async () => {
    const { cluster, supervisor, liveness, violations } = await formed(1, 3, 1_000, persistence);
    for (const id of cluster.ids) supervisor.crash(id, true);
    expect(await liveness.majority()).toBe(true);
    expect(await liveness.everybody()).toBe(true);
    expect(violations).toEqual([]);
    expect(cluster.losses.isNewHistory(cluster.leader?.term ?? 0)).toBe(true);
    expect(cluster.nodes.map(({ raft }) => raft.recovering)).toEqual([false, false, false]);
  });

  test('wait for a voter that is gone for good, which is no violation', async () => {
    const parts = await formed(1, 3, 1_000, persistence);
    const { cluster, counters, supervisor, liveness, violations } = parts;
    supervisor.wipe(3);
    for (const id of [1, 2]) supervisor.crash(id, true);
    await liveness.majority();
    expect(await liveness.everybody()).toBe(false);
    expect(violations).toEqual([]);
    expect(counters.get('waits for every voter')).toBeGreaterThan(0);
    expect(cluster.leader).toBeUndefined();
  });

  test('that never recover are a violation', async () => {
    const { cluster, liveness, violations } = await formed(1, 3, 1_000, persistence);
    expect(await liveness.majority()).toBe(true);
    const { raft } = cluster.nodes.find((node) => !node.isLeader) ?? {};
    vi.spyOn(raft as Raft, 'recovering', 'get').mockReturnValue(true);
    expect(await liveness.everybody()).toBe(false);
    expect(violations[0]?.text).toContain('not everybody has recovered');
  });
});

test('members that stand still after the faults are a violation', async () => {
  const { world, cluster, liveness, violations } = await formed(1);
  // Nobody mends what nobody broke: a process that stands still for ever.
  for (const id of cluster.ids) cluster.host(id).stall(200_000);
  await world.run({ forMs: 10 });
  expect(await liveness.majority()).toBe(false);
  expect(violations[0]).toMatchObject({ check: 'liveness' });
  expect(violations[0]?.text).toContain('not all are up within 1100 ms');
});

test('a majority that elects nobody within a few election timeouts is a violation', async () => {
  const { cluster, supervisor, liveness, violations } = await formed(1);
  for (const id of cluster.ids) {
    supervisor.crash(id, true);
    // As one that never resets its back-off: no timer of it is over before its time.
    cluster.host(id).setClockRate(0.02);
  }
  expect(await liveness.majority()).toBe(false);
  expect(violations[0]?.text).toMatch(/^no leader of the majority within \d{4,5} ms/);
});

test.each([
  { queues: 'roomy', pendingWritesMax: 1_000, failingMax: 1, name: 'ClusterUnavailable' },
  { queues: 'roomy', pendingWritesMax: 1_000, failingMax: 1, name: 'RateLimited' },
  { queues: 'roomy', pendingWritesMax: 1_000, failingMax: 1, name: 'RequestTooLarge' },
  { queues: 'narrow', pendingWritesMax: 2, failingMax: 3, name: 'ClusterUnavailable' },
] as const)(
  'with $queues queues, a whole cluster may fail its clients $failingMax times of 60 with $name',
  async ({ pendingWritesMax, failingMax, name }) => {
    for (const failing of [0, failingMax, failingMax + 1]) {
      const parts = await formed(2, 3, pendingWritesMax);
      const { cluster, recorder, liveness, violations } = parts;
      expect(await liveness.majority()).toBe(true);
      expect(await liveness.everybody()).toBe(true);
      const node = cluster.node(1);
      if (node === undefined) throw new Error('member 1 is down');
      const working = targetOf(cluster, node);
      const refusal = new DEngineError(name, 'no');
      const refusing = { ...node.client, put: () => Promise.reject(refusal) };
      for (let call = 0; call < 60; call++) {
        const target = call < failing ? { ...working, client: refusing } : working;
        const command = { type: 'put', value: `${call}` } as const;
        parts.world.after(1 + call, () => {
          recorder.perform('c', target, 'k0', command).catch(() => undefined);
        });
      }
      expect(await liveness.serve()).toBe(failing <= failingMax);
      const texts = violations.map(({ text }) => text.slice(0, 40));
      const told = `${failing} of 60 failed without a fault: put of k`;
      expect(texts).toEqual(failing <= failingMax ? [] : [told]);
    }
  },
);

test('however narrow the queues, a quarter of the clients is answered', async () => {
  for (const refused of [45, 46]) {
    const parts = await formed(2, 3, 2);
    const { cluster, recorder, liveness, violations } = parts;
    expect(await liveness.everybody()).toBe(true);
    const node = cluster.node(1);
    if (node === undefined) throw new Error('member 1 is down');
    const working = targetOf(cluster, node);
    const full = () => Promise.reject(new DEngineError('RateLimited', 'no'));
    for (let call = 0; call < 60; call++) {
      const target =
        call < refused ? { ...working, client: { ...node.client, put: full } } : working;
      const command = { type: 'put', value: `${call}` } as const;
      parts.world.after(1 + call * 50, () => {
        recorder.perform('c', target, 'k0', command).catch(() => undefined);
      });
    }
    expect(await liveness.serve()).toBe(refused === 45);
    const texts = violations.map(({ text }) => text);
    expect(texts).toEqual(refused === 45 ? [] : ['only 14 of 60 were answered']);
  }
});

/** Asks member 1, whose code has a bug: it never answers. */
function askInVain({ cluster, recorder }: Awaited<ReturnType<typeof formed>>): void {
  const node = cluster.node(1);
  if (node === undefined) throw new Error('member 1 is down');
  const never = new Promise<never>(() => undefined);
  const target = { ...targetOf(cluster, node), client: { ...node.client, put: () => never } };
  recorder.perform('c', target, 'k0', { type: 'put', value: 'v' }).catch(() => undefined);
}

const unanswered = /^no answer in the 5708 ms that n1 ran: put of k0 by c$/;

test('an operation that a running member never answers is a violation, under faults', async () => {
  const parts = await formed(2, 1);
  askInVain(parts);
  await parts.world.run({ forMs: 5_700 });
  expect(parts.violations).toEqual([]);
  await parts.world.run({ forMs: 10 });
  expect(parts.violations[0]?.text).toMatch(unanswered);
});

test('... as the faults end', async () => {
  // Alone, it is never kept out.
  const parts = await formed(2, 1);
  askInVain(parts);
  expect(await parts.liveness.majority()).toBe(false);
  expect(parts.violations[0]?.text).toMatch(unanswered);
});

test('... and in the calm, however soon after that everybody is done', async () => {
  const parts = await formed(2, 3);
  expect(await parts.liveness.majority()).toBe(true);
  expect(await parts.liveness.everybody()).toBe(true);
  askInVain(parts);
  expect(await parts.liveness.answered()).toBe(false);
  expect(parts.violations[0]?.text).toMatch(unanswered);
});

test('a member owes nothing for the time that it sleeps, and nothing once it is dead', async () => {
  const parts = await formed(2, 1);
  const { world, cluster, violations } = parts;
  askInVain(parts);
  cluster.host(1).pause();
  await world.run({ forMs: 20_000 });
  expect(violations).toEqual([]);
  cluster.host(1).resume();
  await world.run({ forMs: 5_000 });
  expect(violations).toEqual([]);
  await world.run({ forMs: 1_000 });
  expect(violations).toHaveLength(1);
  askInVain(parts);
  cluster.crash(1, false);
  cluster.restart(1);
  await world.run({ forMs: 20_000 });
  expect(violations).toHaveLength(1);
});

test.each([
  { what: 'a snapshot for a peer', path: '/data/snapshots/snapshot-9-1', isUp: true },
  { what: 'its log', path: '/data/log/00000000000000000001.segment', isUp: false },
])('a member whose disk failed to read $what is up: $isUp', async ({ path, isUp }) => {
  const { world, cluster, liveness, violations } = await formed(1, 3);
  const { disk, env } = cluster.host(1);
  await world.complete(env.disk.makeDirectory('/data/snapshots'));
  const opened = await world.complete(env.disk.open(path, isUp ? 'create' : 'read'));
  disk.failNext({ operation: 'read', kind: 'io', pathIncludes: path });
  await expect(world.complete(opened.read(0, 1))).rejects.toMatchObject({ kind: 'io' });
  expect(await liveness.everybody()).toBe(isUp);
  expect(violations.map(({ check }) => check)).toEqual(isUp ? [] : ['liveness']);
});
