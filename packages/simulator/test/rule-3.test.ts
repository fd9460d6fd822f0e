import type { NodeId } from '@d-engine/base';
import { describe, expect, test } from 'vitest';
import { roomyLimits } from '../src/draw-variety.ts';
import { ThreeMembers } from './three-members.ts';

const everybody = [1, 2, 3] as const;

/** Whatever is not about members stays in memory for two seconds. */
const persistence = {
  strategies: 'MemFirst',
  flushPolicy: { kind: 'batch', threshold: 10_000, intervalMs: 2_000 },
  bufferedEntriesMax: 10_000,
} as const;

async function formed(seed: number): Promise<ThreeMembers> {
  const members = new ThreeMembers(seed, { persistence });
  members.start(...everybody);
  await members.untilLed(...everybody);
  await members.untilBound(...everybody);
  return members;
}

function linesWith(members: ThreeMembers, text: string): string[] {
  return members.lines.filter((line) => line.includes(text));
}

function isRecovering(members: ThreeMembers, id: NodeId): boolean | undefined {
  return members.cluster.node(id)?.raft.recovering;
}

// The accidents that design rule 3 is about, on whole members.
describe('members that acknowledge from memory', () => {
  test('one that is killed loses nothing: it counts again with what the others hold', async () => {
    const members = await formed(1);
    const leader = (await members.untilLed(...everybody)).settings.nodeId;
    await members.put(leader, 'k', 'in memory');
    const follower = leader === 1 ? 2 : 1;
    members.stop(follower);
    members.restart(follower);
    await members.until('it has recovered', () => isRecovering(members, follower) === false);
    expect(linesWith(members, 'POSSIBLE DATA LOSS')).toEqual([]);
    const other = everybody.find((id) => id !== leader && id !== follower) ?? 0;
    members.stop(leader);
    await members.untilLed(follower, other);
    expect(await members.get(follower, 'k')).toBe('in memory');
    expect(members.deaths).toEqual([]);
  });

  test('all killed at once come back together, say what may be lost, and go on', async () => {
    const members = await formed(2);
    const leader = (await members.untilLed(...everybody)).settings.nodeId;
    await members.pass(3_000);
    const safe = await members.put(leader, 'k', 'flushed');
    await members.pass(3_000);
    const lost = await members.put(leader, 'k', 'in memory');
    members.stop(...everybody);
    members.restart(1, 2);
    await members.pass(10_000);
    expect(linesWith(members, 'POSSIBLE DATA LOSS')).toEqual([]);
    members.restart(3);
    await members.untilLed(...everybody);
    expect(await members.get(1, 'k')).toBe('flushed');
    const [line, ...more] = linesWith(members, 'POSSIBLE DATA LOSS');
    expect(more).toEqual([]);
    expect(Number(/"index":(\d+)/.exec(line ?? '')?.[1])).toBeLessThanOrEqual(safe);
    for (const id of everybody) {
      await members.until(`${id} has recovered`, () => isRecovering(members, id) === false);
    }
    const next = await members.put(1, 'k', 'of a new history');
    expect(next).toBeGreaterThan(lost + 1e9 - 10);
    expect(members.deaths).toEqual([]);
  });

  test('one whose vote was not asked stops, says why, and joins anew when wiped', async () => {
    // One entry a message: 3 has writes before it has its own binding, which comes after them all.
    const limits = { ...roomyLimits, appendEntriesMax: 1 };
    const members = new ThreeMembers(3, { persistence, limits });
    members.start(1, 2);
    const first = (await members.untilLed(1, 2)).settings.nodeId;
    await members.pass(3_000);
    const { client } = members.node(first);
    const puts = Array.from({ length: 400 }, () => client.put('k', 'in memory'));
    await members.world.complete(Promise.all(puts));
    const second = first === 1 ? 2 : 1;
    members.stop(second);
    members.start(3);
    await members.until('3 hears a leader', () => members.cluster.node(3)?.leaderId === first);
    // Else it would be on disk with the binding of 3, which is synced.
    members.cluster.host(first).disk.stall();
    await members.until(
      '3 knows some of it',
      () => (members.cluster.node(3)?.commitIndex ?? 0) > 9,
    );
    members.cluster.crash(first, true);
    members.cluster.host(first).disk.unstall();
    members.restart(first, second);
    await members.until('3 stops', () => members.deaths.length > 0);
    expect(members.deaths.join()).toMatch(/^3: .*from index 3 on .*POSSIBLE DATA LOSS.*wipe/);
    expect(linesWith(members, 'POSSIBLE DATA LOSS')).not.toEqual([]);
    // Again at each start, as long as it holds that.
    members.stop(3);
    members.restart(3);
    await members.until('3 stops again', () => members.deaths.length > 1);
    members.stop(3);
    members.cluster.wipe(3);
    members.restart(3);
    await members.untilBound(...everybody);
    expect(await members.get(3, 'k')).toBeUndefined();
    expect(members.deaths).toHaveLength(2);
  });
});
