import type { Operation } from '@d-engine/simulator';
import { expect, test } from 'vitest';
import { problemsOf } from './verdict.ts';

function put(client: string, at: number, value: string, revision: number): Operation {
  return {
    ...{ client, key: 'k', command: { type: 'put', value } },
    ...{ invokedAtMs: at, settledAtMs: at + 1 },
    outcome: { type: 'answered', answer: { type: 'put', revision } },
  };
}

function read(client: string, at: number, value: string, revision: number): Operation {
  return {
    ...{ client, key: 'k', command: { type: 'read', consistency: 'linearizable' } },
    ...{ invokedAtMs: at, settledAtMs: at + 1 },
    outcome: { type: 'answered', answer: { type: 'read', value, modRevision: revision, revision } },
  };
}

const history = [put('a', 0, 'one', 1), put('a', 10, 'two', 2), read('b', 20, 'two', 2)];

test('clean histories and processes that nobody ended are no problem', () => {
  expect(problemsOf(history, [])).toEqual([]);
});

test('a read of what was overwritten is one', () => {
  const stale = [...history, read('b', 30, 'one', 1)];
  expect(problemsOf(stale, []).join()).toContain('[linearizability]');
});

test('a revision that was given out twice is one', () => {
  const twice = [...history, put('c', 30, 'three', 2)];
  expect(problemsOf(twice, []).join()).toContain('revision 2 was given out twice');
});

test('a process that ended by itself is one', () => {
  expect(problemsOf(history, ['node 1 ended'])).toEqual(['node 1 ended']);
});
