import { must } from '@d-engine/base';
import { expect, test } from 'vitest';
import type { MemberView } from '../src/invariants/member-view.ts';
import { ThreeMembers } from './three-members.ts';

const everybody = [1, 2, 3] as const;

async function led(seed: number): Promise<{ members: ThreeMembers; leader: MemberView }> {
  const members = new ThreeMembers(seed);
  members.start(...everybody);
  await members.untilLed(...everybody);
  await members.untilBound(...everybody);
  const leader = [...members.cluster.running()].find(({ role }) => role === 'leader');
  return { members, leader: must(leader, 'nobody leads') };
}

/** How old the newest answer of each other member is, in its own time. */
function agesMs(leader: MemberView): number[] {
  const others = everybody.filter((id) => id !== leader.nodeId);
  return others.map((id) => leader.monotonicMs - (leader.heardAtMs(id) ?? Number.NaN));
}

test('a leader is given answers of its followers all the time', async () => {
  const { members, leader } = await led(1);
  for (let round = 0; round < 20; round++) {
    await members.pass(50);
    for (const ageMs of agesMs(leader)) expect(ageMs).toBeLessThan(100);
  }
});

test('what does not arrive is not heard, whatever else the other one sends', async () => {
  const { members, leader } = await led(2);
  const [cutOff] = everybody.filter((id) => id !== leader.nodeId);
  members.world.cut(`n${leader.nodeId}`, `n${cutOff}`);
  await members.pass(500);
  const ages = agesMs(leader);
  expect(Math.max(...ages)).toBeGreaterThan(450);
  expect(Math.min(...ages)).toBeLessThan(100);
});

test('an answer counts in its term only', async () => {
  const { members, leader } = await led(3);
  const { term } = leader;
  members.cutOff(leader.nodeId);
  await members.pass(3_000);
  const healedAtMs = leader.monotonicMs;
  members.world.heal();
  await members.until('a newer term', () => leader.term > term);
  // It may lead the newer one as well: then others have answered in that.
  for (const id of everybody) {
    expect(leader.heardAtMs(id) ?? Number.POSITIVE_INFINITY).toBeGreaterThan(healedAtMs);
  }
});

test('a wiped member counts no more, and is not heard', async () => {
  const { members, leader } = await led(4);
  const wiped = must(
    everybody.find((id) => id !== leader.nodeId),
    'another member',
  );
  members.stop(wiped);
  members.cluster.wipe(wiped);
  members.restart(wiped);
  await members.pass(2_000);
  expect(leader.role).toBe('leader');
  expect(Math.max(...agesMs(leader))).toBeGreaterThan(1_900);
});
