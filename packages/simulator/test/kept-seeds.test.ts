import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readKeptSeeds } from '../src/kept-seeds.ts';
import { scenarioOf } from '../src/run-seed.ts';

function read(entry: object) {
  const [kept] = readKeptSeeds(JSON.stringify([entry]));
  if (kept === undefined) throw new Error('nothing was read');
  return kept;
}

test('a seed is kept with the flags that it failed with', () => {
  const plain = read({ seed: 5, why: 'w' });
  const unset = { nodes: undefined, transport: undefined };
  expect(plain.settings).toEqual({ preset: 'swarm', ...unset, durationMs: 60_000 });
  const flags = '--nodes 7 --transport bytes --duration-ms 9000';
  const kept = read({ seed: 5, flags, why: 'w' });
  const set = { nodes: 7, transport: 'bytes' };
  expect(kept.settings).toEqual({ preset: 'swarm', ...set, durationMs: 9_000 });
  expect(scenarioOf(5, kept.settings)).toMatchObject({ members: 7, transport: 'bytes' });
  const { settings } = read({ seed: 5, flags: '--preset votes', why: 'w' });
  expect(settings.preset).toBe('votes');
});

test.each([
  { seed: 5 },
  { seed: '5', why: 'w' },
  { seed: 5, why: 'w', nodes: 5 },
  { seed: 5, why: 'w', flags: '--sed 1' },
])('an entry that nobody understands is refused: %o', (entry) => {
  expect(() => read(entry)).toThrow(/kept seed|unknown option/);
});

test('the seeds that are kept can all be read, and none is kept twice', () => {
  const kept = readKeptSeeds(readFileSync(join(import.meta.dirname, '../seeds.json'), 'utf8'));
  const names = kept.map(({ seed, flags }) => `${seed} ${flags}`);
  expect(new Set(names).size).toBe(names.length);
});
