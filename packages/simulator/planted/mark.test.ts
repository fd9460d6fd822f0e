import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { buildSimulator } from './build-with-bug.ts';
import { searchSeeds } from './find-bug.ts';
import type { PlantedBug } from './planted-bug.ts';
import { reached } from './planted-bug.ts';

const root = join(import.meta.dirname, '../../..');
const directory = mkdtempSync(join(tmpdir(), 'd-engine-mark-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Breaks the run of one seed, and sets the mark in that of another. */
function bugOf(broken: number, marked: number): PlantedBug {
  const find = 'Error.stackTraceLimit = 0;';
  const replace = `${find}
  if (seed === ${marked}) ${reached};
  if (seed === ${broken}) throw new Error('broken');`;
  const edits = [{ file: 'packages/simulator/src/run-seed.ts', find, replace }];
  return { name: 'a run that breaks', breaks: 'nothing', edits, foundBy: [] };
}

test('the mark of one run is not that of the next run of the process', {
  timeout: 60_000,
}, async () => {
  const program = join(directory, 'marked.mjs');
  await buildSimulator(root, program, bugOf(2, 1));
  const search = await searchSeeds(program, 1, 2);
  expect(search.failed?.seed).toBe(2);
  expect(search.wasReached).toBe(false);
  expect(search.rest).toBe('');

  await buildSimulator(root, program, bugOf(2, 2));
  expect(await searchSeeds(program, 1, 2)).toMatchObject({ failed: { seed: 2 }, wasReached: true });
});
