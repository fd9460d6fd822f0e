import type { NodeId } from '@d-engine/base';
import { configurationOf } from '@d-engine/raft';
import { expect, test } from 'vitest';
import { StateDigests } from './state-digests.ts';

function configuration(voters: readonly NodeId[], learners: readonly NodeId[] = []) {
  const member = (id: NodeId, role: 'voter' | 'learner') => {
    return { id, address: `n${id}:1`, role, promotable: false } as const;
  };
  return configurationOf([
    ...voters.map((id) => member(id, 'voter')),
    ...learners.map((id) => member(id, 'learner')),
  ]);
}

const three = configuration([1, 2, 3]);

test('a quorum that agrees decides, whoever is odd and whoever is silent', () => {
  const digests = new StateDigests();
  digests.add(7, 1, 'odd');
  expect(digests.judge(7, three)).toEqual({ type: 'pending' });
  digests.add(7, 2, 'a');
  expect(digests.judge(7, three)).toEqual({ type: 'pending' });
  digests.add(7, 3, 'a');
  expect(digests.judge(7, three)).toEqual({ type: 'agreed', digest: 'a' });
});

test('nothing is decided for an entry that nobody told of', () => {
  expect(new StateDigests().judge(7, three)).toEqual({ type: 'pending' });
});

test('two that differ decide nothing while a third may side with one of them', () => {
  const digests = new StateDigests();
  digests.add(7, 1, 'a');
  digests.add(7, 2, 'b');
  expect(digests.judge(7, three).type).toBe('pending');
  digests.add(7, 3, 'c');
  expect(digests.judge(7, three)).toEqual({ type: 'split' });
});

test('two voters that differ can never agree', () => {
  const digests = new StateDigests();
  digests.add(7, 1, 'a');
  digests.add(7, 2, 'b');
  expect(digests.judge(7, configuration([1, 2]))).toEqual({ type: 'split' });
});

test('learners are no quorum', () => {
  const digests = new StateDigests();
  digests.add(7, 1, 'a');
  digests.add(7, 4, 'a');
  digests.add(7, 5, 'a');
  expect(digests.judge(7, configuration([1, 2, 3], [4, 5]))).toEqual({ type: 'pending' });
});

test('a joint configuration needs a quorum of both halves', () => {
  const joint = { ...configuration([1, 2, 3]), outgoingVoters: [3, 4, 5] };
  const digests = new StateDigests();
  for (const id of [1, 2, 3]) digests.add(7, id, 'a');
  expect(digests.judge(7, joint)).toEqual({ type: 'pending' });
  digests.add(7, 4, 'a');
  expect(digests.judge(7, joint)).toEqual({ type: 'agreed', digest: 'a' });
});

test('a member is taken at its first word', () => {
  const digests = new StateDigests();
  digests.add(7, 1, 'a');
  digests.add(7, 1, 'b');
  expect(digests.of(7, 1)).toBe('a');
});

test('the newest 64 entries are kept, in whatever order members tell of them', () => {
  const digests = new StateDigests();
  expect(digests.add(1_000, 2, 'a')).toBe(true);
  for (let index = 1; index <= 63; index++) expect(digests.add(index, 1, 'a')).toBe(true);
  expect(digests.add(500, 1, 'a')).toBe(false);
  expect(digests.add(1_001, 1, 'a')).toBe(true);
  expect(digests.of(1, 1)).toBeUndefined();
  expect(digests.of(2, 1)).toBe('a');
  expect(digests.of(1_000, 2)).toBe('a');
});
