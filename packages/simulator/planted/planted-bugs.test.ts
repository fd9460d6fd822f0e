import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { scaled } from '../../../tools/test-scale.ts';
import { buildSimulator } from './build-with-bug.ts';
import { plantedBugs } from './catalogue.ts';

const root = join(import.meta.dirname, '../../..');
/** Half of what a run is otherwise: all of these show up early. */
const short = ['--duration-ms', '30000'];
const directory = mkdtempSync(join(tmpdir(), 'd-engine-planted-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

// A simulator that finds nothing proves nothing: each of these breaks a promise and must be seen.
describe('the simulator finds the planted bug', () => {
  for (const [index, bug] of plantedBugs.entries()) {
    test(bug.name, { timeout: 600_000 }, async () => {
      const outfile = join(directory, `planted-${index}.mjs`);
      await buildSimulator(root, outfile, bug);
      const run = simulate(outfile, [
        '--preset',
        bug.preset,
        '--stop-at-first',
        '--runs',
        '40',
        ...short,
      ]);
      expect(run.status, run.stdout).toBe(1);
      expect(run.stdout).toContain('FAILED seed');
    });
  }
});

test('without a planted bug the same faults break nothing', { timeout: 600_000 }, async () => {
  const outfile = join(directory, 'clean.mjs');
  await buildSimulator(root, outfile, undefined);
  const runs = String(scaled({ gate: 3, long: 100 }));
  for (const preset of new Set(plantedBugs.map((bug) => bug.preset))) {
    const run = simulate(outfile, ['--preset', preset, '--runs', runs, ...short]);
    expect(run.status, run.stdout).toBe(0);
  }
});

function simulate(program: string, flags: readonly string[]): { status: number; stdout: string } {
  const result = spawnSync(process.execPath, [program, '--first', '1', ...flags], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return { status: result.status ?? -1, stdout: result.stdout + result.stderr };
}
