import type { NodeId } from '@d-engine/base';
import { describe, expect, test } from 'vitest';
import { dataDirectory } from '../src/virtual-cluster.ts';
import { ThreeMembers } from './three-members.ts';

const everybody = [1, 2, 3] as const;
const plentyBytes = 2 ** 40;
const refused = /error peer 1 refused this member: node 1 has no room on its disk to note/;

/** Member 1 leads. */
async function formed(seed: number): Promise<ThreeMembers> {
  const members = new ThreeMembers(seed);
  members.start(...everybody);
  await members.untilLed(...everybody);
  await members.untilBound(...everybody);
  await members.pass(2_000);
  while ((await members.untilLed(...everybody)) !== members.node(1)) {
    const leader = await members.untilLed(...everybody);
    const { nodeId } = leader.settings;
    members.stop(nodeId);
    await members.untilLed(...everybody.filter((id) => id !== nodeId));
    members.restart(nodeId);
  }
  await members.pass(2_000);
  return members;
}

function fillDisk(members: ThreeMembers, id: NodeId): void {
  const { disk } = members.cluster.host(id);
  disk.setCapacity(disk.usedBytes);
}

function makeRoom(members: ThreeMembers, id: NodeId): void {
  members.cluster.host(id).disk.setCapacity(plentyBytes);
}

/** The starts of a peer that a power loss would leave in the identity file of a member. */
function notedStarts(members: ThreeMembers, id: NodeId, peer: NodeId): number {
  const path = `${dataDirectory}/identity.json`;
  const bytes = members.cluster.host(id).disk.peekDurable(path, 0, 100_000);
  const { peers } = JSON.parse(Buffer.from(bytes ?? []).toString()) as {
    peers: Record<string, { bootCount: number } | undefined>;
  };
  return peers[peer]?.bootCount ?? 0;
}

describe('a member that is up and whose disk is full', () => {
  test('stays up while another one restarts, and takes it once there is room', async () => {
    const members = await formed(1);
    const before = notedStarts(members, 1, 3);
    fillDisk(members, 1);
    members.stop(3);
    members.restart(3);
    await members.until('member 3 hears why', () => members.lines.some((l) => refused.test(l)));
    await members.put(1, 'k', 'with a full disk');
    expect(await members.get(1, 'k')).toBe('with a full disk');
    expect(members.node(1).health().ready['disk']).toMatchObject({ ok: false });
    expect(notedStarts(members, 1, 3)).toBe(before);
    const waits = members.lines.filter((line) => line.startsWith('n1 warn Identity: no room'));
    expect(waits).toHaveLength(1);

    makeRoom(members, 1);
    await members.untilLed(...everybody);
    // Each link of its own tries again two seconds after it was refused.
    await members.pass(5_000);
    expect(await members.get(3, 'k')).toBe('with a full disk');
    expect(notedStarts(members, 1, 3)).toBe(before + 1);
    await members.until(
      'the disk is well',
      () => members.node(1).health().ready['disk']?.ok === true,
    );
    expect(members.deaths).toEqual([]);
  });

  test('counts nothing of a start that it could not note', async () => {
    const members = await formed(2);
    fillDisk(members, 1);
    members.stop(2, 3);
    members.restart(3);
    await members.until('member 3 hears why', () => members.lines.some((l) => refused.test(l)));
    await members.pass(10_000);
    // Two of three run and reach one another, and are no quorum.
    expect(members.node(1).isLeader).toBe(false);
    expect(members.node(3).isLeader).toBe(false);
    const eventual = members.node(1).client.get('k', { consistency: 'eventual' });
    expect(await members.world.complete(eventual)).toBeNull();
    makeRoom(members, 1);
    await members.untilLed(1, 3);
    await members.put(1, 'k', 'v');
    expect(members.deaths).toEqual([]);
  });

  test('votes, and stops in good order', async () => {
    const members = await formed(3);
    fillDisk(members, 2);
    fillDisk(members, 3);
    members.stop(1);
    const leader = await members.untilLed(2, 3);
    await members.put(leader.settings.nodeId, 'k', 'v');
    for (const id of [2, 3]) await members.world.complete(members.node(id).stop());
    expect(members.deaths).toEqual([]);
  });

  test('becomes part of a cluster, and notes which one once there is room', async () => {
    const members = new ThreeMembers(4);
    members.start(...everybody);
    const isFormed = (): boolean => members.lines.some((line) => line.includes('cluster formed'));
    await members.until('a leader writes the first entry', isFormed);
    for (const id of everybody) fillDisk(members, id);
    await members.untilLed(...everybody);
    await members.put(1, 'k', 'v');
    await members.pass(5_000);
    const told = (): string[] => members.lines.filter((line) => line.includes('part of cluster'));
    expect(told()).toEqual([]);
    for (const id of everybody) makeRoom(members, id);
    await members.until('all have noted it', () => told().length === 3);
    expect(members.deaths).toEqual([]);
  });
});
