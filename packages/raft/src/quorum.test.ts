import { readFileSync } from 'node:fs';
import type { NodeId } from '@d-engine/base';
import { limits } from '@d-engine/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { committedIndex, voteResult } from './quorum.ts';

/** One block of etcd's files; test/quorum/README.md tells how to read them. */
interface QuorumCase {
  readonly name: string;
  readonly command: string;
  readonly voters: readonly NodeId[];
  readonly outgoing: readonly NodeId[];
  readonly values: ReadonlyMap<NodeId, string>;
  readonly answer: string;
}

const files = ['majority_commit', 'joint_commit', 'majority_vote', 'joint_vote'];

describe.each(files)("etcd's quorum cases, %s", (file) => {
  const cases = readCases(file);

  test('are all read', () => {
    expect(cases.length).toBe(commandLines(file));
  });

  test.each(cases)('$name', (quorumCase) => {
    const { voters, outgoing, answer } = quorumCase;
    expect(answerOf(quorumCase, voters, outgoing)).toBe(answer);
    expect(answerOf(quorumCase, outgoing, voters), 'the halves swapped').toBe(answer);
  });
});

/** The answer of the code under test, written as the files write it. */
function answerOf(
  { command, values }: QuorumCase,
  voters: readonly NodeId[],
  outgoing: readonly NodeId[],
): string {
  if (command === 'committed') {
    const index = committedIndex(voters, outgoing, (id) => numberOf(values.get(id)));
    return index === Number.POSITIVE_INFINITY ? '∞' : String(index);
  }
  const result = voteResult(voters, outgoing, (id) => booleanOf(values.get(id)));
  return `Vote${result.charAt(0).toUpperCase()}${result.slice(1)}`;
}

function readText(file: string): string {
  return readFileSync(new URL(`../test/quorum/${file}.txt`, import.meta.url), 'utf8');
}

function commandLines(file: string): number {
  return readText(file).match(/^(vote|committed)\b/gm)?.length ?? 0;
}

function readCases(file: string): readonly QuorumCase[] {
  const blocks = readText(file).split(/\n\n+/);
  return blocks.flatMap((block) => {
    const lines = block.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const [command, ruler] = lines;
    if (command === undefined || ruler !== '----') return [];
    return [parseCase(command, (lines.at(-1) ?? '').replace('<empty majority quorum>', ''))];
  });
}

function parseCase(line: string, answer: string): QuorumCase {
  const list = (key: string): readonly string[] | undefined => {
    const text = line.match(new RegExp(`\\b${key}=\\(([^)]*)\\)`))?.[1];
    return text?.split(',').map((part) => part.trim());
  };
  const voters = (list('cfg') ?? []).map(Number);
  const outgoing = (list('cfgj') ?? []).map(Number);
  const ids = [...new Set([...voters, ...outgoing])];
  const given = list('idx') ?? list('votes') ?? [];
  expect(given.length).toBe(ids.length);
  const values = new Map(ids.map((id, position) => [id, given[position] ?? '_']));
  const command = line.split(' ')[0] ?? '';
  return { name: line, command, voters, outgoing, values, answer };
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined || text === '_' ? undefined : Number(text);
}

function booleanOf(text: string | undefined): boolean | undefined {
  return text === 'y' ? true : text === 'n' ? false : undefined;
}

describe('against the definition', () => {
  const half = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 9 });
  const values = fc.array(fc.option(fc.nat({ max: 12 }), { nil: undefined }), {
    minLength: 13,
    maxLength: 13,
  });

  test('the committed index is the largest value that a majority of each half reached', () => {
    fc.assert(
      fc.property(half, half, values, (voters, outgoing, acknowledged) => {
        const reached = (ids: readonly NodeId[], value: number): boolean =>
          2 * ids.filter((id) => (acknowledged[id] ?? 0) >= value).length > ids.length;
        const agreed = (value: number): boolean =>
          [voters, outgoing].every((ids) => ids.length === 0 || reached(ids, value));
        let expected = Number.POSITIVE_INFINITY;
        if (voters.length + outgoing.length > 0) {
          expected = 0;
          for (let value = 1; value <= 12; value++) if (agreed(value)) expected = value;
        }
        expect(committedIndex(voters, outgoing, (id) => acknowledged[id])).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test('a vote is decided when no completion of it can end otherwise', () => {
    const votes = fc.array(fc.option(fc.boolean(), { nil: undefined }), {
      minLength: 13,
      maxLength: 13,
    });
    fc.assert(
      fc.property(half, half, votes, (voters, outgoing, vote) => {
        const wins = (missing: boolean): boolean =>
          [voters, outgoing].every(
            (ids) =>
              ids.length === 0 || 2 * ids.filter((id) => vote[id] ?? missing).length > ids.length,
          );
        const expected = wins(false) ? 'won' : wins(true) ? 'pending' : 'lost';
        expect(voteResult(voters, outgoing, (id) => vote[id])).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });
});

test('values need not be indexes: fractions, equal ones and many voters', () => {
  const voters = Array.from({ length: limits.membersMax }, (_, position) => position + 1);
  expect(committedIndex(voters, [], (id) => id + 0.5)).toBe(32.5);
  expect(committedIndex(voters, [], () => 7)).toBe(7);
  expect(() => committedIndex([...voters, 65], [], () => 7)).toThrow('65 voters');
});
