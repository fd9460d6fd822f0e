import { describe, expect, test } from 'vitest';
import { checkLinearizability } from '../../src/history/check-history.ts';
import { checkEventualReads } from '../../src/history/eventual-check.ts';
import type { Answer, Command, Operation } from '../../src/history/operation.ts';
import { checkRevisions } from '../../src/history/revision-check.ts';

type Times = readonly [invokedAtMs: number, settledAtMs: number];
type Saw = Omit<Answer & { readonly type: 'read' }, 'type'>;

function told([invokedAtMs, settledAtMs]: Times, command: Command, answer: Answer): Operation {
  const call = { client: 'n1 start 1', key: 'k', command, invokedAtMs, settledAtMs };
  return { ...call, outcome: { type: 'answered', answer } };
}

function put(times: Times, value: string, revision: number): Operation {
  return told(times, { type: 'put', value }, { type: 'put', revision });
}

function remove(times: Times, revision: number): Operation {
  return told(times, { type: 'delete' }, { type: 'delete', deleted: true, revision });
}

function lost(invokedAtMs: number, command: Command): Operation {
  return {
    ...told([invokedAtMs, Infinity], command, { type: 'put' }),
    outcome: { type: 'unknown' },
  };
}

function lostPut(invokedAtMs: number, value: string): Operation {
  return lost(invokedAtMs, { type: 'put', value });
}

function eventual(times: Times, saw: Saw): Operation {
  return told(times, { type: 'read', consistency: 'eventual' }, { type: 'read', ...saw });
}

function read(times: Times, saw: Saw): Operation {
  return told(times, { type: 'read', consistency: 'linearizable' }, { type: 'read', ...saw });
}

describe('eventual reads of a process', () => {
  const lostPuts = [lostPut(0, 'a'), lostPut(0, 'b')];

  test('see no older write of a key than before, though they tell no revision', () => {
    const first = eventual([1, 2], { value: 'b', modRevision: 6 });
    const second = eventual([3, 4], { value: 'a', modRevision: 5 });
    expect(checkEventualReads([...lostPuts, first, second])[0]).toContain('from modRevision 6');
    const elsewhere = { ...second, client: 'n2 start 1' };
    expect(checkEventualReads([...lostPuts, first, elsewhere])).toEqual([]);
    expect(checkEventualReads([...lostPuts, first, { ...second, key: 'other' }])).not.toContain(
      'went back',
    );
  });
});

describe('a read of any consistency', () => {
  test.each<[string, string, readonly Operation[]]>([
    [
      'another value than the write of its mod revision left',
      'revision 3 made two things',
      [put([0, 1], 'a', 3), lostPut(0, 'b'), eventual([2, 3], { value: 'b', modRevision: 3 })],
    ],
    [
      'the right value at a mod revision that its write did not get',
      '0 writes for the revisions 4',
      [put([0, 1], 'a', 3), eventual([2, 3], { value: 'a', modRevision: 4 })],
    ],
    [
      'what the write of another key made',
      'revision 3 made two things',
      [
        { ...put([0, 1], 'a', 3), key: 'other' },
        lostPut(0, 'a'),
        eventual([2, 3], { value: 'a', modRevision: 3 }),
      ],
    ],
    [
      'two values at one mod revision',
      'revision 5 made two things',
      [
        lostPut(0, 'a'),
        lostPut(0, 'b'),
        eventual([2, 3], { value: 'a', modRevision: 5 }),
        { ...eventual([2, 3], { value: 'b', modRevision: 5 }), client: 'n2 start 1' },
      ],
    ],
    [
      'two mod revisions of the one write of unknown outcome',
      '1 writes for the revisions 5, 7',
      [
        lostPut(0, 'a'),
        read([2, 3], { value: 'a', modRevision: 5 }),
        eventual([4, 5], { value: 'a', modRevision: 7 }),
      ],
    ],
    [
      'a second mod revision before the second write was called',
      '1 writes for the revisions 5, 7',
      [
        lostPut(0, 'a'),
        lostPut(9, 'a'),
        read([2, 3], { value: 'a', modRevision: 5 }),
        read([4, 5], { value: 'a', modRevision: 7 }),
      ],
    ],
    [
      'a write that is newer than the state',
      'newer than itself',
      [lostPut(0, 'a'), eventual([2, 3], { value: 'a', modRevision: 5, revision: 4 })],
    ],
    [
      'what a later write had overwritten at that revision',
      'no state of revision 8 held that',
      [
        put([0, 1], 'a', 3),
        put([2, 3], 'b', 5),
        eventual([4, 5], { value: 'a', modRevision: 3, revision: 8 }),
      ],
    ],
    [
      'what was deleted at that revision',
      'no state of revision 8 held that',
      [put([0, 1], 'a', 3), remove([2, 3], 5), eventual([4, 5], { value: 'a', revision: 8 })],
    ],
    [
      'nothing where a write had left something',
      'no state of revision 8 held that',
      [put([0, 1], 'a', 3), eventual([4, 5], { value: null, revision: 8 })],
    ],
    [
      'a write at a revision before that write',
      'no state of revision 2 held that',
      [put([0, 1], 'a', 3), eventual([4, 5], { value: 'a', revision: 2 })],
    ],
    [
      'an older write than a linearizable read before it',
      'went back from modRevision 6',
      [
        lostPut(0, 'a'),
        lostPut(0, 'b'),
        read([1, 2], { value: 'b', modRevision: 6 }),
        read([3, 4], { value: 'a', modRevision: 5 }),
      ],
    ],
  ])('does not see %s', (_, problem, history) => {
    expect(checkRevisions(history).join('\n')).toContain(problem);
  });

  test.each<[string, readonly Operation[]]>([
    [
      'an old state as it was',
      [
        put([0, 1], 'a', 3),
        put([2, 3], 'b', 5),
        eventual([4, 5], { value: 'a', modRevision: 3, revision: 4 }),
        eventual([4, 5], { value: null, revision: 2 }),
      ],
    ],
    [
      'two writes of unknown outcome at a revision each',
      [
        lostPut(0, 'a'),
        lostPut(1, 'a'),
        eventual([2, 3], { value: 'a', modRevision: 5, revision: 5 }),
        eventual([4, 5], { value: 'a', modRevision: 7, revision: 8 }),
      ],
    ],
    [
      'nothing after a lost deletion, or a value with a TTL',
      [
        put([0, 1], 'a', 3),
        lost(2, { type: 'delete' }),
        eventual([4, 5], { value: null, revision: 8 }),
        {
          ...told([0, 1], { type: 'put', value: 'b', ttlMs: 1 }, { type: 'put', revision: 4 }),
          key: 'other',
        },
        { ...eventual([4, 5], { value: null, revision: 8 }), key: 'other' },
      ],
    ],
  ])('sees %s', (_, history) => {
    expect(checkRevisions(history)).toEqual([]);
    expect(checkEventualReads(history)).toEqual([]);
  });
});

test('a write of unknown outcome has one revision for all linearizable reads', () => {
  const first = read([1, 2], { value: 'a', modRevision: 5 });
  const second = read([3, 4], { value: 'a', modRevision: 7 });
  expect(checkLinearizability([lostPut(0, 'a'), first, second]).type).toBe('notLinearizable');
  const twice = [lostPut(0, 'a'), lostPut(0, 'a'), first, second];
  expect(checkLinearizability(twice).type).toBe('linearizable');
});
