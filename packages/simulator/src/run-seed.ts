import { describeError } from '@d-engine/base';
import { drawScenario } from './draw-scenario.ts';
import type { RunResult } from './jobs.ts';
import { LastLines } from './last-lines.ts';
import { applyPreset } from './presets.ts';
import type { Preset, Scenario, Transport } from './scenario.ts';
import type { OnLine } from './simulate.ts';
import { simulate } from './simulate.ts';

/** What a run depends on besides the code. */
export interface RunSettings {
  readonly preset: Preset;
  /** Drawn by the seed when undefined, and the transport as well. */
  readonly nodes: number | undefined;
  readonly transport: Transport | undefined;
  readonly durationMs: number;
}

export function scenarioOf(seed: number, { preset, nodes, transport }: RunSettings): Scenario {
  const scenario = applyPreset(drawScenario(seed, nodes), preset);
  return transport === undefined ? scenario : { ...scenario, transport };
}

/** Runs a seed; one that fails runs again, to tell how it came to that. Never rejects. */
export async function runSeed(
  seed: number,
  settings: RunSettings,
  onLine?: OnLine,
): Promise<RunResult> {
  const { durationMs } = settings;
  const scenario = scenarioOf(seed, settings);
  const before = process.cpuUsage();
  const { stackTraceLimit } = Error;
  try {
    // Members refuse thousands of times in a run: a tenth of it would go into stacks.
    Error.stackTraceLimit = 0;
    const report = await simulate(seed, { durationMs, scenario, ...(onLine && { onLine }) });
    Error.stackTraceLimit = stackTraceLimit;
    const { user, system } = process.cpuUsage(before);
    const cpuMs = (user + system) / 1_000;
    if (report.violations.length === 0) return { seed, cpuMs, report, lastEvents: [] };
    const last = new LastLines();
    await simulate(seed, { durationMs, scenario, onLine: (...line) => last.add(...line) });
    return { seed, cpuMs, report, lastEvents: last.lines };
  } catch (error) {
    const stack = error instanceof Error ? `\n${String(error.stack)}` : '';
    return { seed, cpuMs: 0, failure: `${describeError(error)}${stack}` };
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
