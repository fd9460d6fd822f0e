import { describe, expect, test } from 'vitest';
import type { Command, Operation } from '../src/history/operation.ts';
import { judgeHistory } from '../src/judge-history.ts';

type Times = readonly [invokedAtMs: number, settledAtMs: number];

function put([invokedAtMs, settledAtMs]: Times, value: string, revision: number): Operation {
  const outcome = { type: 'answered', answer: { type: 'put', revision } } as const;
  const command: Command = { type: 'put', value };
  return { client: 'c', key: 'k', invokedAtMs, settledAtMs, command, outcome };
}

function read(
  [invokedAtMs, settledAtMs]: Times,
  value: string | null,
  revision: number,
  consistency: 'linearizable' | 'eventual' = 'linearizable',
): Operation {
  const outcome = { type: 'answered', answer: { type: 'read', value, revision } } as const;
  const command: Command = { type: 'read', consistency };
  return { client: 'c', key: 'k', invokedAtMs, settledAtMs, command, outcome };
}

/** Revisions 8 to 9 of the first history were given up at 10 ms. */
const loss = { atMs: 10, historiesBefore: 0, from: 8, to: 9 };
const secondHistory = 1e9;

const before = [put([0, 1], 'kept', 7), put([2, 3], 'lost', 8), read([4, 5], 'lost', 8)];

describe('a history that ended with a loss', () => {
  test('goes on without what was given up', () => {
    const history = [...before, read([11, 12], 'kept', secondHistory + 10)];
    expect(judgeHistory(history)).not.toEqual([]);
    expect(judgeHistory(history, [loss])).toEqual([]);
  });

  test('keeps what was not given up', () => {
    const history = [...before, read([11, 12], null, secondHistory + 10)];
    expect(judgeHistory(history, [loss])).not.toEqual([]);
  });

  test('has nothing of it come back', () => {
    const history = [...before, read([11, 12], 'lost', secondHistory + 10)];
    expect(judgeHistory(history, [loss])).not.toEqual([]);
  });

  test('was as good as any other until then', () => {
    const stale = read([6, 7], 'kept', 7);
    expect(judgeHistory([...before, stale], [loss])).not.toEqual([]);
    const inFlight = put([8, 20], 'unanswered by then', secondHistory + 11);
    expect(judgeHistory([...before, inFlight], [loss])).toEqual([]);
  });

  test('excuses nobody who asks later, but an eventual read of who was not asked', () => {
    const late = read([11, 12], 'lost', 8);
    expect(judgeHistory([...before, late], [loss])).not.toEqual([]);
    const eventual = read([11, 12], 'lost', 8, 'eventual');
    expect(judgeHistory([...before, eventual], [loss])).toEqual([]);
  });

  test('excuses the same index of another history not', () => {
    const other = { ...loss, historiesBefore: 1 };
    const history = [...before, read([11, 12], 'kept', secondHistory + 10)];
    expect(judgeHistory(history, [other])).not.toEqual([]);
  });
});
