import { limits, MalformedMessage } from '@d-engine/base';
import { describe, expect, test } from 'vitest';
import type { Configuration } from './configuration.ts';
import { configurationOf } from './configuration.ts';
import type { MembershipChange } from './membership-change.ts';
import { leaveJoint, planChange } from './membership-change.ts';
import { decodeConfigurationChange, encodeConfigurationChange } from './membership-codec.ts';
import { members } from './testing/fake-cluster.ts';

const nobody: MembershipChange = { add: [], promote: [], remove: [] };

function learner(id: number, promotable = true): MembershipChange['add'][number] {
  return { id, address: `host-${id}:1`, promotable, instanceId: `i${id}` };
}

function promotable(voters: number, learners: number): Configuration {
  const list = members(voters, learners);
  return configurationOf(list.map((member) => ({ ...member, promotable: member.id > voters })));
}

describe('planChange', () => {
  test('one voter more or less is a simple change', () => {
    const one = planChange(promotable(3, 1), { ...nobody, promote: [4] });
    expect(one).toMatchObject({
      configuration: { voters: [1, 2, 3, 4], outgoingVoters: [], learners: [], autoLeave: false },
    });
    const less = planChange(promotable(3, 1), { ...nobody, remove: [2] });
    expect(less).toMatchObject({
      configuration: { voters: [1, 3], outgoingVoters: [], learners: [4] },
    });
  });

  test('more than one is joint, and keeps those that leave among the members', () => {
    const planned = planChange(promotable(3, 1), { ...nobody, promote: [4], remove: [1] });
    expect(planned).toMatchObject({
      configuration: { voters: [2, 3, 4], outgoingVoters: [1, 2, 3], autoLeave: true },
    });
    if (typeof planned === 'string') throw new Error(planned);
    expect(planned.configuration.members.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
    const { configuration } = leaveJoint(planned.configuration);
    expect(configuration).toMatchObject({ voters: [2, 3, 4], outgoingVoters: [], learners: [] });
    expect(configuration.members.map(({ id, role }) => `${id} ${role}`)).toEqual([
      '2 voter',
      '3 voter',
      '4 voter',
    ]);
  });

  test('a member that is replaced is a learner under the directory that it has now', () => {
    const planned = planChange(promotable(3, 0), { ...nobody, remove: [3], add: [learner(3)] });
    expect(planned).toMatchObject({
      configuration: { voters: [1, 2], outgoingVoters: [], learners: [3] },
      bindings: [{ nodeId: 3, instanceId: 'i3' }],
    });
  });

  test.each([
    ['nothing', nobody, 'noChange'],
    ['the same twice', { ...nobody, remove: [3, 3] }, 'noChange'],
    ['promote and remove one', { ...nobody, promote: [4], remove: [4] }, 'noChange'],
    ['promote a voter', { ...nobody, promote: [1] }, 'noChange'],
    ['replace one of two that go', { add: [learner(3)], promote: [], remove: [2, 3] }, 'noChange'],
    ['remove a stranger', { ...nobody, remove: [9] }, 'unknownMember'],
    ['promote a stranger', { ...nobody, promote: [9] }, 'unknownMember'],
    ['promote a read-only learner', { ...nobody, promote: [5] }, 'readOnlyLearner'],
    ['add a member', { ...nobody, add: [learner(4)] }, 'knownMember'],
    ['remove every voter', { ...nobody, remove: [1, 2, 3] }, 'lastVoter'],
  ] as const)('refuses to %s', (_, change, reason) => {
    const four = promotable(3, 1);
    const five = planChange(four, { ...nobody, add: [learner(5, false)] });
    if (typeof five === 'string') throw new Error(five);
    expect(planChange(five.configuration, change)).toBe(reason);
  });

  test('a joint configuration changes only by its end', () => {
    const joint = planChange(promotable(1, 2), { ...nobody, promote: [2, 3] });
    if (typeof joint === 'string') throw new Error(joint);
    expect(planChange(joint.configuration, { ...nobody, remove: [2] })).toBe('changeInFlight');
  });

  test('a cluster has a bound', () => {
    const full = configurationOf(members(limits.membersMax));
    const add = [learner(limits.membersMax + 1)];
    expect(planChange(full, { ...nobody, add })).toBe('tooManyMembers');
  });
});

describe('the codec of a change', () => {
  test('reads back what it wrote', () => {
    const list = members(4, 2).map((member) => ({ ...member, promotable: member.id === 5 }));
    const configuration = {
      ...configurationOf(list),
      outgoingVoters: [1, 2],
      nextLearners: [2],
      autoLeave: true,
    };
    const change = { configuration, bindings: [{ nodeId: 5, instanceId: 'a' }] };
    expect(decodeConfigurationChange(encodeConfigurationChange(change))).toEqual(change);
  });

  test('refuses what it does not know, no voters, and a member of whom nothing is said', () => {
    expect(() => decodeConfigurationChange(Uint8Array.of(0x40, 1))).toThrow('field 8 is not known');
    expect(() => decodeConfigurationChange(new Uint8Array(0))).toThrow(MalformedMessage);
    expect(() => decodeConfigurationChange(Uint8Array.of(0x08, 7))).toThrow('member 7');
  });
});
