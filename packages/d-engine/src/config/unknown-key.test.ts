import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { editDistance, nearestName } from './nearest-name.ts';
import { allSections, schema } from './schema.ts';
import { loadText, messagesOf, problemsOf } from './test-support.ts';

describe('an unknown key is an error with its place and the nearest known one', () => {
  test.each([
    ['[cluster]\nnod_id = 2', 2, 1, 'cluster.nod_id; the nearest known key is cluster.node_id'],
    ['[raft.electoin]\nx = 1', 1, 7, 'raft.electoin; the nearest known key is raft.election'],
    [
      'raft.election.timeout_min = 1',
      1,
      15,
      'nearest known key is raft.election.election_timeout_min',
    ],
    ['[raft.snapshot]\n\n  chunk_sise = 1', 3, 3, 'nearest known key is raft.snapshot.chunk_size'],
    ['[cluster]\nElection_Timeout_Min = 1', 2, 1, 'belongs in [raft.election]'],
    ['concurrency_limit = 8', 1, 1, '[network.control] or [network.data] or [network.bulk]'],
    ['[election]\nx = 1', 1, 2, 'election belongs in [raft] or [retry]'],
    ['[limits]\nqqqqqqqqq = 1', 2, 1, '[limits] knows max_key_bytes, max_value_bytes'],
    ['[qqqq]', 1, 2, 'the file knows cluster, raft'],
    ['"" = 1', 1, 1, 'unknown config key "";'],
    ['"cluster.node_id" = 1', 1, 1, 'unknown config key "cluster.node_id";'],
    ['cluster.initial_cluster = [{ id = 1, adress = "a:1" }]', 1, 38, 'known key is address'],
    ['[raft.membership.zombie]\npurge_interval = { sec = 1 }', 2, 20, 'zombie.purge_interval.sec'],
    ['[raft.persistence]\nflush_policy = { Batch = { limit = 1 } }', 2, 28, 'Batch.limit'],
  ])('%j', (toml, line, column, text) => {
    const problems = problemsOf(() => loadText(toml));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ file: 'n1.toml', line, column });
    expect(problems[0]?.message).toContain(text);
  });

  test('a section under its alias knows the same keys', () => {
    expect(messagesOf(() => loadText('[raft.storage.ttl]\ncleanup_interval = 1'))[0]).toContain(
      'raft.state_machine.lease.cleanup_interval_ms',
    );
  });

  test('names of JavaScript mean nothing special', () => {
    const toml = '__proto__ = 1\n[constructor]\nprototype = 2\n[cluster]\ntoString = 3';
    expect(problemsOf(() => loadText(toml)).map(({ line }) => line)).toEqual([1, 2, 5]);
  });
});

const bareName = fc.stringMatching(/^[A-Za-z0-9_-]{1,24}$/);
const anyName = fc.oneof(bareName, fc.string({ maxLength: 24 }).filter(isSingleLine));

/** Names that TOML can hold between quotes as they are, once escaped as JSON does it. */
function isSingleLine(name: string): boolean {
  return !/[\p{Cc}\p{Cs}]/u.test(name);
}

function isKnownIn(section: string, name: string): boolean {
  const path = section === '' ? name : `${section}.${name}`;
  return schema.bySpelling.has(path) || (name !== '' && schema.tables.has(path));
}

describe('property: whatever unknown key stands wherever', () => {
  const sections = allSections.map(({ path }) => path);

  test('it is reported with its line', () => {
    fc.assert(
      fc.property(fc.constantFrom(...sections), anyName, fc.nat(5), (section, name, blankLines) => {
        // A name with a dot is no path: it stays unknown between its quotes.
        fc.pre(name.includes('.') || !isKnownIn(section, name));
        fc.pre(!(section.startsWith('network') && name.startsWith('http2_')));
        const header = section === '' ? '# no table' : `[${section}]`;
        const toml = `${header}\n${'\n'.repeat(blankLines)}${JSON.stringify(name)} = 1\n`;
        const problems = problemsOf(() => loadText(toml));
        expect(problems).toHaveLength(1);
        expect(problems[0]).toMatchObject({ file: 'n1.toml', line: blankLines + 2, column: 1 });
        expect(problems[0]?.message).toMatch(/^unknown config key /);
      }),
      { numRuns: 200 },
    );
  });

  test('a known key with one letter wrong is led back to the right one', () => {
    const names = schema.keys
      .filter(({ declaration }) => declaration.effect !== 'dead' && declaration.key.length > 4)
      .map(({ path, declaration }) => ({ path, name: declaration.key }));
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(), ({ path, name }, position) => {
        const cut = position % name.length;
        const wrong = `${name.slice(0, cut)}${name.slice(cut + 1)}`;
        const table = path.slice(0, path.length - name.length);
        fc.pre(!isKnownIn(table.slice(0, -1), wrong) && !wrong.endsWith('_'));
        const [message] = messagesOf(() => loadText(`${table}${wrong} = 1`));
        const known = [...schema.bySpelling.keys()].some((spelling) =>
          spelling.endsWith(`.${wrong}`),
        );
        expect(message).toContain(known ? 'belongs in' : 'the nearest known key is');
      }),
    );
  });
});

describe('editDistance', () => {
  test.each([
    ['', '', 0],
    ['a', '', 1],
    ['election', 'electoin', 1],
    ['kitten', 'sitting', 3],
    ['abc', 'abc', 0],
  ])('%s to %s is %d', (left, right, distance) => {
    expect(editDistance(left, right)).toBe(distance);
    expect(editDistance(right, left)).toBe(distance);
  });

  test('a name of any length is compared in bounded time', () => {
    expect(nearestName('x'.repeat(1_000_000), ['x'])).toBeUndefined();
  });
});
