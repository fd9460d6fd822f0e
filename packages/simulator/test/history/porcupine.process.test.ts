import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkLinearizability } from '../../src/history/check-history.ts';
import { encodeHistory } from '../../src/history/history-file.ts';
import type { Operation } from '../../src/history/operation.ts';
import type { Pick } from './generate.ts';
import { generateHistory, plantOtherValue } from './generate.ts';
import { pickerOf } from './picker.ts';
import { plantViolation } from './plant-violation.ts';

const directory = mkdtempSync(join(tmpdir(), 'd-engine-porcupine-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const checker = join(directory, 'porcupine-check');
const tool = join(import.meta.dirname, '../../../../tools/porcupine');

/** The verdicts of Porcupine. */
function theirsOf(histories: readonly (readonly Operation[])[]): string[] {
  const paths = histories.map((history, index) => {
    const path = join(directory, `${index}.jsonl`);
    writeFileSync(path, encodeHistory(history));
    return path;
  });
  const { stdout, stderr } = spawnSync(checker, paths, { encoding: 'utf8' });
  expect(stderr).toBe('');
  const lines = stdout.trim().split('\n');
  return paths.map((path, index) => lines[index]?.replace(`${path}: `, '') ?? 'no verdict');
}

function oursOf(history: readonly Operation[]): string {
  return checkLinearizability(history).type === 'linearizable'
    ? 'linearizable'
    : 'not linearizable';
}

function drawHistory(pick: Pick, values: number): Operation[] {
  const shape = { operations: 15 + pick(30), keys: 1 + pick(3), clients: 3 + pick(4) };
  return generateHistory(pick, { ...shape, values, withTtl: false });
}

test('a checker that is not ours agrees on generated histories', ({ skip }) => {
  const built = spawnSync('go', ['build', '-o', checker, '.'], { cwd: tool, encoding: 'utf8' });
  if (built.error !== undefined) return skip('not run: go missing');
  expect(built.status, built.stderr).toBe(0);

  const clean = Array.from({ length: 50 }, (_, seed) => drawHistory(pickerOf(seed), 1_000_000));
  const planted = clean.map((history, seed) => plantViolation(history, pickerOf(seed)) ?? []);
  // Few values: whether a changed answer is a violation is for the checkers to find out.
  const doubtful = Array.from({ length: 100 }, (_, seed) => {
    const pick = pickerOf(1_000 + seed);
    return plantOtherValue(drawHistory(pick, 3), pick);
  });

  const histories = [...clean, ...planted, ...doubtful];
  const ours = histories.map(oursOf);
  expect(theirsOf(histories)).toEqual(ours);
  expect(new Set(ours.slice(0, 50))).toEqual(new Set(['linearizable']));
  expect(new Set(ours.slice(50, 100))).toEqual(new Set(['not linearizable']));
  const doubtsThatHold = ours.slice(100).filter((verdict) => verdict === 'linearizable').length;
  expect(Math.min(doubtsThatHold, 100 - doubtsThatHold)).toBeGreaterThan(10);
});
