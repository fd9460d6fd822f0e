import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { scaled } from '../../../tools/test-scale.ts';
import { checkLinearizability } from '../src/history/check-history.ts';
import { decodeHistory, encodeHistory } from '../src/history/history-file.ts';
import { plantViolation } from './history/plant-violation.ts';

const root = join(import.meta.dirname, '../../..');
const directory = mkdtempSync(join(tmpdir(), 'd-engine-chaos-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const histories = join(directory, 'histories');
const minutes = scaled({ gate: 0.4, long: 10 });
/** Keys change so often that the gate's short run has well over a hundred, outages or not. */
const epochMs = scaled({ gate: 300, long: 5_000 });

function chaos(...words: readonly string[]): { status: number | null; out: string } {
  const program = ['tools/run-ts.mjs', 'tools/chaos/main.ts'];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...program, ...words], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return { status, out: stdout + stderr };
}

// The second ring: what the simulator shows of virtual machines, on real ones.
describe('chaos', () => {
  test('leaves histories that are linearizable, and a cluster that works', () => {
    spawnSync(process.execPath, ['tools/build.mjs', '--if-stale'], { cwd: root });
    const run = ['--minutes', String(minutes), '--epoch-ms', String(epochMs)];
    const { status, out } = chaos(...run, '--histories', histories);
    process.stdout.write(out);
    expect(status, out).toBe(0);
    expect(out).toContain('chaos: passed');
    const [, operations] = /(\d+) operations/.exec(out) ?? [];
    expect(Number(operations)).toBeGreaterThan(500);
  });

  test('tells a bad option with exit code 2', () => {
    const { status, out } = chaos('--hours', '3');
    expect(status).toBe(2);
    expect(out).toContain('unknown option --hours; usage: npm run chaos');
  });
});

test('a checker that is not ours agrees on 100 of them, violations planted in half', ({ skip }) => {
  const checker = join(directory, 'porcupine-check');
  const tool = join(root, 'tools/porcupine');
  const built = spawnSync('go', ['build', '-o', checker, '.'], { cwd: tool, encoding: 'utf8' });
  if (built.error !== undefined) return skip('not run: go missing');
  expect(built.status, built.stderr).toBe(0);

  const files = readdirSync(histories).slice(0, 100);
  expect(files).toHaveLength(100);
  const ours = files.map((file, index) => {
    const path = join(histories, file);
    let history = decodeHistory(readFileSync(path, 'utf8'));
    // A fixed choice for each: what is planted is the same for the same history.
    let draw = index;
    const pick = (limit: number): number => {
      draw = (Math.imul(draw + 1, 2654435761) ^ (draw >>> 15)) >>> 0;
      return draw % limit;
    };
    if (index % 2 === 1) history = plantViolation(history, pick) ?? history;
    writeFileSync(path, encodeHistory(history));
    return checkLinearizability(history).type === 'linearizable';
  });
  const paths = files.map((file) => join(histories, file));
  const { stdout, stderr } = spawnSync(checker, paths, { encoding: 'utf8' });
  const theirs = paths.map((path) => stdout.includes(`${path}: linearizable\n`));
  expect(stderr).toBe('');
  expect(theirs).toEqual(ours);
  expect(stdout).not.toContain('undecided');
  expect(ours.filter((isLinearizable) => !isLinearizable).length).toBeGreaterThan(25);
  expect(ours.filter((isLinearizable) => isLinearizable).length).toBeGreaterThanOrEqual(50);
});
