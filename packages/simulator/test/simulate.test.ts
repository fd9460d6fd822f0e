import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scaled, testScale } from '../../../tools/test-scale.ts';
import { presetOf } from '../src/flags.ts';
import { decodeResult } from '../src/jobs.ts';
import type { Preset } from '../src/scenario.ts';
import { applyPreset, drawScenario } from '../src/scenario.ts';
import type { SimulationReport } from '../src/simulate.ts';
import { simulate } from '../src/simulate.ts';
import { formatReport } from '../src/summary.ts';

const root = join(import.meta.dirname, '../../..');
const timeout = 3_600_000;

function run(seed: number, preset: Preset, durationMs = 60_000): Promise<SimulationReport> {
  const scenario = applyPreset(drawScenario(seed), preset);
  return simulate(seed, { scenario, durationMs });
}

function expectClean(report: SimulationReport, preset: Preset): void {
  if (report.violations.length > 0) expect.fail(formatReport(report, preset));
}

describe('a run follows from its seed', () => {
  const durationMs = 10_000;

  test('twice in one process', { timeout }, async () => {
    for (const seed of [7, 8]) {
      const first = await run(seed, 'swarm', durationMs);
      const second = await run(seed, 'swarm', durationMs);
      expect(second).toEqual(first);
    }
  });

  test('and in another process', { timeout }, async () => {
    const here = await run(9, 'swarm', durationMs);
    const flags = ['--json', '--seed', '9', '--duration-ms', String(durationMs)];
    const program = ['tools/run-ts.mjs', 'packages/simulator/src/main.ts'];
    const child = spawnSync(process.execPath, [...program, ...flags], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(child.stderr).toBe('');
    const result = decodeResult(child.stdout.trim());
    expect(result).toEqual({ seed: 9, report: here });
  });

  test('logging changes nothing', { timeout }, async () => {
    const scenario = drawScenario(10);
    const quiet = await simulate(10, { scenario, durationMs });
    let lines = 0;
    const onLine = (): void => {
      lines += 1;
    };
    const told = await simulate(10, { scenario, durationMs, onLine });
    expect(told.fingerprint).toBe(quiet.fingerprint);
    expect(lines).toBeGreaterThan(10);
  });
});

// Each found something once. The code moves on, so a seed does not play the same story for ever;
// what it found has a test of its own where that was possible.
describe('seeds that failed once', () => {
  const file = join(import.meta.dirname, '../seeds.json');
  const seeds = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly seed: number;
    readonly preset: string;
    readonly why: string;
  }[];
  test.each(seeds)('$seed ($preset): $why', { timeout }, async ({ seed, preset: name }) => {
    const preset = presetOf(name);
    expectClean(await run(seed, preset), preset);
  });
});

test('fresh seeds', { timeout }, async () => {
  const first = Math.floor(Math.random() * 1e9);
  process.stdout.write(`fresh seeds from ${first} on (${testScale})\n`);
  const limit = scaled({
    gate: { ms: 60_000, runs: Infinity },
    long: { ms: Infinity, runs: 1000 },
  });
  const endAtMs = Date.now() + limit.ms;
  for (let count = 0; count < limit.runs && Date.now() < endAtMs; count++) {
    expectClean(await run(first + count, 'swarm'), 'swarm');
  }
});
