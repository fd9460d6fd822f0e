import type { NodeId } from '@d-engine/base';
import { describe, expect, test } from 'vitest';
import { scaled } from '../../../tools/test-scale.ts';
import { drawScenario } from '../src/draw-scenario.ts';
import { ThreeMembers } from './three-members.ts';

const everybody = [1, 2, 3] as const;

async function formed(seed: number): Promise<ThreeMembers> {
  const members = new ThreeMembers(seed);
  members.start(...everybody);
  await members.untilLed(...everybody);
  await members.untilBound(...everybody);
  return members;
}

// The accidents that design rule 2 is about, each played out: a wiped voter is not the old voter.
describe('a wiped voter is not the old voter', () => {
  test('an old log and a wiped voter elect nobody; what was acknowledged comes back', async () => {
    const members = await formed(1);
    members.cutOff(2);
    await members.untilLed(1, 3);
    const revision = await members.put(1, 'k', 'acknowledged by 1 and 3');
    members.stop(1, 3);
    members.cluster.wipe(3);
    members.world.heal();
    members.restart(3);
    const elected: NodeId[] = [];
    const watch = (): boolean => {
      for (const node of members.cluster.running()) {
        if (node.role === 'leader') elected.push(node.nodeId);
      }
      return false;
    };
    await members.world.run({ until: watch, limitMs: 20_000 });
    expect(elected).toEqual([]);
    await expect(members.put(2, 'k', 'lost')).rejects.toMatchObject({ name: 'ClusterUnavailable' });
    expect(members.node(3).status()).toMatchObject({ condition: 'refused' });

    members.restart(1);
    await members.untilLed(1, 2);
    expect(await members.get(1, 'k')).toBe('acknowledged by 1 and 3');
    expect(await members.get(2, 'k')).toBe('acknowledged by 1 and 3');
    expect(await members.put(2, 'k', 'next')).toBeGreaterThan(revision);
    expect(members.deaths).toEqual([]);
  });

  test('one that is wiped is refused, told what to do, and serves nobody', async () => {
    const members = await formed(2);
    members.stop(3);
    members.cluster.wipe(3);
    members.restart(3);
    await members.untilLed(1, 2);
    await members.until(
      'member 3 knows that it is refused',
      () => members.cluster.node(3)?.isServing === false,
    );
    const { condition, conditionReason } = members.node(3).status();
    expect(condition).toBe('refused');
    expect(conditionReason).toMatch(/another data directory.*replace the member/);
    expect(members.node(3).health().ready['member']).toMatchObject({ ok: false });
    const refused = { name: 'MemberRefused' };
    await expect(members.get(3, 'k')).rejects.toMatchObject(refused);
    const eventual = members.node(3).client.get('k', { consistency: 'eventual' });
    await expect(members.world.complete(eventual)).rejects.toMatchObject(refused);
    await expect(members.put(3, 'k', 'v')).rejects.toMatchObject(refused);
    await members.put(1, 'k', 'the others go on');
    expect(await members.get(2, 'k')).toBe('the others go on');
  });

  test('an older copy of the directory is refused', async () => {
    const members = await formed(3);
    members.stop(3);
    const copy = members.copyDirectory(3);
    for (let start = 0; start < 3; start++) {
      members.restart(3);
      await members.untilLed(...everybody);
      members.stop(3);
    }
    await members.restoreAndStart(3, copy);
    await members.until(
      'member 3 knows that it is refused',
      () => members.cluster.node(3)?.isServing === false,
    );
    const { condition, conditionReason } = members.node(3).status();
    expect(condition).toBe('refused');
    expect(conditionReason).toMatch(/older copy of its data directory/);
    await members.untilLed(1, 2);
  });

  test('a voter that comes late is bound and counts', async () => {
    const members = new ThreeMembers(4);
    members.start(1, 2);
    const first = await members.untilLed(1, 2);
    await members.put(1, 'k', 'before 3 came');
    members.start(3);
    await members.untilBound(...everybody);
    const gone = first.settings.nodeId;
    const stays = gone === 1 ? 2 : 1;
    members.stop(gone);
    await members.untilLed(stays, 3);
    expect(await members.get(3, 'k')).toBe('before 3 came');
    await members.put(3, 'k', 'with the vote of 3');
  });
});

describe('forming a cluster', () => {
  // The known limit of the rule: nobody who was there could object.
  test('a second cluster stops serving when it hears the older one', async () => {
    const members = new ThreeMembers(7);
    members.start(1, 2);
    await members.untilLed(1, 2);
    await members.put(1, 'k', 'of the older cluster');
    members.stop(1, 2);
    members.cluster.wipe(2);
    members.restart(2);
    members.start(3);
    await members.untilLed(2, 3);
    await members.put(2, 'k', 'of the newer cluster');
    members.restart(1);
    await members.until('the newer cluster has heard the older one', () =>
      [2, 3].every((id) => members.cluster.node(id)?.isServing === false),
    );
    for (const id of [2, 3]) {
      const { condition, conditionReason } = members.node(id).status();
      expect(condition).toBe('refused');
      expect(conditionReason).toMatch(/older one.*wipe it and let it join/);
      await expect(members.get(id, 'k')).rejects.toMatchObject({ name: 'WrongCluster' });
    }
    expect(members.node(1).status().condition).toBe('normal');
  });

  test('all members wiped form anew', async () => {
    const members = await formed(5);
    const before = members.node(1).status().clusterId;
    await members.put(1, 'k', 'of the old cluster');
    members.stop(...everybody);
    for (const id of everybody) members.cluster.wipe(id);
    members.restart(...everybody);
    await members.untilLed(...everybody);
    await members.put(2, 'other', 'of the new cluster');
    await members.until('the new cluster is recorded', () => clusterIds(members).size === 1);
    expect(clusterIds(members).has(String(before))).toBe(false);
    expect(await members.get(1, 'k')).toBeUndefined();
  });

  test('a first leader cut off with its bootstrap joins what the others formed', async () => {
    const members = new ThreeMembers(6);
    members.start(...everybody);
    let first: NodeId | undefined;
    await members.until('a first leader', () => {
      first = members.cluster.nodes.find((node) => node.role === 'leader')?.settings.nodeId;
      return first !== undefined;
    });
    // Before anything that it appended has left.
    const cutOff = first as NodeId;
    members.cutOff(cutOff);
    expect(members.node(cutOff).status().lastLogIndex).toBeGreaterThan(0);
    expect(members.node(cutOff).commitIndex).toBe(0);
    const others = everybody.filter((id) => id !== cutOff);
    const leader = await members.untilLed(...others);
    await members.put(leader.settings.nodeId, 'k', 'of the cluster that formed');
    members.world.heal();
    await members.untilBound(...everybody);
    await members.until('one cluster id', () => {
      return clusterIds(members).size === 1 && members.node(cutOff).status().clusterId !== null;
    });
    expect(await members.get(cutOff, 'k')).toBe('of the cluster that formed');
    expect(members.deaths).toEqual([]);
  });

  test('power losses of all while they form end in one cluster', { timeout: 600_000 }, async () => {
    const seeds = scaled({ gate: 200, long: 2_000 });
    for (let seed = 1; seed <= seeds; seed++) await formUnderPowerLosses(seed);
  });
});

function clusterIds(members: ThreeMembers): Set<string> {
  const ids = members.cluster.nodes.map((node) => node.status().clusterId);
  return new Set(ids.filter((id) => id !== null));
}

async function formUnderPowerLosses(seed: number): Promise<void> {
  const { world, electionTimeoutMinMs } = drawScenario(seed);
  const network = { ...world.network, unreliableStreams: null };
  const members = new ThreeMembers(seed, { world: { ...world, network }, electionTimeoutMinMs });
  const random = members.world.random('power');
  const known = new Set<string>();
  members.start(...everybody);
  for (let loss = random.integer(4); loss >= 0; loss--) {
    await members.pass(random.float() * electionTimeoutMinMs * 8);
    for (const id of clusterIds(members)) known.add(id);
    for (const id of everybody) members.cluster.crash(id, true);
    for (const id of everybody) {
      members.world.after(random.float() * electionTimeoutMinMs, () => {
        if (!members.cluster.isAlive(id)) members.restart(id);
      });
    }
  }
  const isOne = (): boolean => {
    for (const id of clusterIds(members)) known.add(id);
    const { leader, nodes } = members.cluster;
    if (leader === undefined || nodes.length < everybody.length) return false;
    return nodes.every((node) => node.leaderId === leader.settings.nodeId);
  };
  await members.until(`seed ${seed}: one cluster`, isOne, 120_000);
  await members.until(`seed ${seed}: all know it`, () => {
    return members.cluster.nodes.every((node) => node.status().clusterId !== null);
  });
  for (const id of clusterIds(members)) known.add(id);
  expect(known.size, `seed ${seed}`).toBe(1);
  expect(members.deaths, `seed ${seed}`).toEqual([]);
}
