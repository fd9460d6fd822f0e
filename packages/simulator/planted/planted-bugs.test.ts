import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { scaled, testScale } from '../../../tools/test-scale.ts';
import type { CheckName } from '../src/violation.ts';
import { buildSimulator } from './build-with-bug.ts';
import { plantedBugs } from './catalogue.ts';
import type { Search } from './find-bug.ts';
import { isSeenRightly, searchSeeds } from './find-bug.ts';
import { readFound } from './found.ts';

const root = join(import.meta.dirname, '../../..');
const timeout = 3_600_000;
const directory = mkdtempSync(join(tmpdir(), 'd-engine-planted-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const found = readFound(root);
/** A seed plays another story once the code has moved on: then one of the next may do. */
const runs = scaled({ gate: 100, long: 2_000 });

// A simulator that finds nothing proves nothing: each of these breaks a promise and must be seen.
describe.concurrent('the simulator finds the planted bug', () => {
  test.for(plantedBugs)('$name', { timeout }, async (bug, { expect }) => {
    const outfile = join(directory, `${plantedBugs.indexOf(bug)}.mjs`);
    await buildSimulator(root, outfile, bug);
    const first = scaled({ gate: found.get(bug.name)?.seed ?? 1, long: 1 });
    const search = await searchSeeds(outfile, first, runs);
    const hint = `not in ${search.runs} runs; npm run simulate:planted -- --bug '${bug.name}'`;
    expect(search.exitCode, `${hint} ${search.rest}`).toBe(1);
    expect(bug.foundBy, search.failed?.text).toContain(search.failed?.check);
    expect(search.wasReached, 'the changed line ran').toBe(true);
    expect(isSeenRightly(bug, search), search.failed?.text).toBe(true);
    const noted = found.get(bug.name)?.seed;
    if (search.failed?.seed === noted || testScale === 'long') return;
    process.stdout.write(`moved: ${bug.name}, from seed ${noted} to ${search.failed?.seed}\n`);
  });
});

test('without a planted bug the same seeds break nothing', { timeout }, async () => {
  const outfile = join(directory, 'clean.mjs');
  await buildSimulator(root, outfile, undefined);
  for (const seed of new Set([...found.values()].map((each) => each.seed))) {
    const { exitCode, failed, rest, wasReached } = await searchSeeds(outfile, seed, 1);
    expect(exitCode, `seed ${seed}: ${failed?.text} ${rest}`).toBe(0);
    expect(wasReached).toBe(false);
  }
});

test('each planted bug has a name of its own and was found', () => {
  const names = plantedBugs.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect([...found.keys()]).toEqual(names);
});

test('each planted bug was found by a check that belongs to it', () => {
  const strange = plantedBugs.filter(({ name, foundBy }) => {
    const check = found.get(name)?.check;
    return check === undefined || !foundBy.includes(check);
  });
  expect(strange.map(({ name }) => name)).toEqual([]);
});

test('a death counts only with the assertion that it must come from', () => {
  for (const { name, foundBy, assertions = [] } of plantedBugs) {
    expect(assertions.length > 0, name).toBe(foundBy.includes('no member dies'));
  }
});

test('what a search met is the bug only by its own check, its assertion and its mark', () => {
  const bug = { name: '', breaks: '', edits: [], foundBy: ['no member dies'] } as const;
  const asserted = { ...bug, assertions: ['is committed'] };
  const met = (check: CheckName, text: string, wasReached = true): Search => ({
    ...{ runs: 1, wasReached, exitCode: 1, rest: '' },
    failed: { seed: 1, check, text },
  });
  expect(isSeenRightly(asserted, met('no member dies', 'died: 7 is committed'))).toBe(true);
  expect(isSeenRightly(asserted, met('no member dies', 'died: 7 is committed', false))).toBe(false);
  expect(isSeenRightly(asserted, met('no member dies', 'died: no room'))).toBe(false);
  expect(isSeenRightly(asserted, met('liveness', '7 is committed'))).toBe(false);
});
