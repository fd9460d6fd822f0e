import { VirtualWorld } from '@d-engine/virtual-env';
import { beforeEach, expect, test } from 'vitest';
import type { Harm } from '../src/faults/harms.ts';
import { cutsBetween, Harms } from '../src/faults/harms.ts';
import { VirtualCluster } from '../src/virtual-cluster.ts';
import { quietScenario } from './three-members.ts';

let world: VirtualWorld;
let cluster: VirtualCluster;
let harms: Harms;

beforeEach(async () => {
  const scenario = quietScenario(1);
  world = new VirtualWorld({ seed: 1, ...scenario.world });
  cluster = new VirtualCluster(world, scenario, { onDeath: () => undefined });
  harms = new Harms(world, cluster);
  for (const id of cluster.ids) cluster.start(id);
  await world.run({ until: () => cluster.leader !== undefined, limitMs: 10_000 });
});

/** Whether the leader still answers within some time, over the links and disks as they are. */
async function canWrite(): Promise<boolean> {
  const { leader } = cluster;
  if (leader === undefined) return false;
  let isDone = false;
  const note = (): void => {
    isDone = true;
  };
  leader.client.put('k', 'v').then(note, () => undefined);
  return world.run({ until: () => isDone, limitMs: 300 });
}

function leaderAndOthers() {
  const leader = cluster.leader?.settings.nodeId ?? 0;
  return { leader, others: cluster.ids.filter((id) => id !== leader) };
}

test('the end of one partition leaves what another one cut', async () => {
  const { leader, others } = leaderAndOthers();
  const one = cutsBetween([leader], others, 'both');
  const other = cutsBetween(others, [leader], 'both');
  harms.begin(one);
  harms.begin(other);
  harms.end(one);
  harms.end(one);
  expect(await canWrite()).toBe(false);
  harms.end(other);
  await world.run({ until: () => cluster.leader !== undefined, limitMs: 10_000 });
  await world.run({ forMs: 5_000 });
  expect(await canWrite()).toBe(true);
});

test('a cut one way ends one way', () => {
  const cuts: Harm[] = cutsBetween([1], [2], 'one');
  const before = world.countOf('heal');
  harms.begin(cutsBetween([1], [2], 'both'));
  harms.begin(cuts);
  harms.end(cuts);
  expect(world.countOf('heal')).toBe(before);
});

test('of two on one disk the newer one rules, and after it the older one again', () => {
  const { leader } = leaderAndOthers();
  const set: number[] = [];
  world.trace(({ kind, subject, value }) => {
    if (kind === 'diskFault' && subject === 'slow') set.push(value);
  });
  const slow: Harm = { type: 'slowDisk', member: leader, factor: 5 };
  const slower: Harm = { type: 'slowDisk', member: leader, factor: 200 };
  harms.begin([slow]);
  harms.begin([slower]);
  harms.end([slower]);
  harms.end([slow]);
  expect(set).toEqual([5, 200, 5, 1]);
});

test('a stalled disk stands still until all that stalled it have ended', async () => {
  const stalls = cluster.ids.map((member): Harm => ({ type: 'stalledDisk', member }));
  const again = cluster.ids.map((member): Harm => ({ type: 'stalledDisk', member }));
  harms.begin(stalls);
  harms.begin(again);
  harms.end(stalls);
  expect(await canWrite()).toBe(false);
  harms.end(again);
  await world.run({ forMs: 5_000 });
  expect(await canWrite()).toBe(true);
});

test('the end of a harm says whether anything met it', async () => {
  const { leader, others } = leaderAndOthers();
  const [first = 0] = others;
  const cut: Harm = { type: 'cut', from: leader, to: first };
  const full: Harm = { type: 'fullDisk', member: leader, capacityBytes: 2 ** 30 };
  const stalled: Harm = { type: 'stalledDisk', member: leader };
  const slow: Harm = { type: 'slowDisk', member: leader, factor: 5 };
  const paused: Harm = { type: 'paused', member: first };
  const all = [cut, full, stalled, slow, paused];
  harms.begin(all);
  // Nothing had the time to come.
  for (const harm of all) expect(harms.end([harm]), harm.type).toBe(false);
  harms.begin([cut, full, slow]);
  await canWrite();
  expect(harms.end([full])).toBe(false);
  expect(harms.end([cut])).toBe(true);
  expect(harms.end([cut])).toBe(false);
  expect(harms.end([slow])).toBe(true);
  harms.begin([stalled]);
  await canWrite();
  expect(harms.end([stalled])).toBe(true);
  harms.begin([paused]);
  await canWrite();
  expect(harms.end([paused])).toBe(true);
});

test('once all have ended, none begins', async () => {
  const { leader, others } = leaderAndOthers();
  harms.begin(cutsBetween([leader], others, 'both'));
  harms.begin(cutsBetween([leader], others, 'one'));
  harms.begin([{ type: 'paused', member: leader }]);
  harms.endAll();
  await world.run({ forMs: 5_000 });
  expect(await canWrite()).toBe(true);
  expect(() => harms.begin([{ type: 'paused', member: leader }])).toThrow(/had ended/);
});
