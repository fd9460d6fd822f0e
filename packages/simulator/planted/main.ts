import { mkdtempSync, rmSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeError } from '@d-engine/base';
import { buildSimulator } from './build-with-bug.ts';
import { plantedBugs } from './catalogue.ts';
import { isSeenRightly, searchSeeds } from './find-bug.ts';
import { recordFound } from './found.ts';
import type { PlantedBug } from './planted-bug.ts';

// npm run simulate:planted -- [--bug NAME]... [--runs K]: looks for each planted bug with the
// default swarm, from seed 1 on, and notes in found.json where it was met first.

const niceness = 10;

async function look(bug: PlantedBug, runs: number, directory: string): Promise<boolean> {
  const root = process.cwd();
  const program = join(directory, 'simulator.mjs');
  await buildSimulator(root, program, bug);
  const search = await searchSeeds(program, 1, runs);
  const { failed, wasReached } = search;
  const mark = wasReached ? '' : ' (the changed line never ran)';
  if (failed === undefined) {
    process.stdout.write(`NOT FOUND in ${search.runs} runs: ${bug.name}${mark} ${search.rest}\n`);
    recordFound(root, bug.name, undefined);
    return false;
  }
  const { seed, check, text } = failed;
  const isRight = isSeenRightly(bug, search);
  const verdict = isRight ? 'found' : 'WRONG CHECK';
  const what = `[${check ?? 'failure'}] ${text.slice(0, 300)}`;
  process.stdout.write(`${verdict}: ${bug.name}: seed ${seed}${mark}\n    ${what}\n`);
  const found = isRight && check !== undefined;
  recordFound(root, bug.name, found ? { seed, check, runs: search.runs } : undefined);
  return isRight;
}

interface Asked {
  readonly bugs: readonly PlantedBug[];
  readonly runs: number;
}

/** Or what is wrong with the words. */
function askedFor(words: string[]): Asked | string {
  try {
    const { values } = parseArgs({
      args: words,
      options: { bug: { type: 'string', multiple: true }, runs: { type: 'string' } },
    });
    const runs = Number(values.runs ?? 2_000);
    if (!(runs >= 1)) return `--runs: not a number of runs: ${values.runs}`;
    const unknown = values.bug?.find((name) => plantedBugs.every((bug) => bug.name !== name));
    if (unknown !== undefined) return `--bug: no bug is called ${unknown}`;
    return { bugs: plantedBugs.filter(({ name }) => values.bug?.includes(name) ?? true), runs };
  } catch (error) {
    return describeError(error);
  }
}

async function main(): Promise<number> {
  const asked = askedFor(process.argv.slice(2));
  if (typeof asked === 'string') {
    process.stderr.write(
      `${asked}\nusage: npm run simulate:planted -- [--bug NAME]... [--runs K]\n`,
    );
    return 2;
  }
  const { bugs, runs } = asked;
  setPriority(niceness);
  const directory = mkdtempSync(join(tmpdir(), 'd-engine-planted-'));
  let missing = 0;
  try {
    for (const bug of bugs) if (!(await look(bug, runs, directory))) missing += 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return missing === 0 ? 0 : 1;
}

process.exitCode = await main();
