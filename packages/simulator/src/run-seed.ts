import { describeError } from '@d-engine/base';
import type { Strategies } from './draw-persistence.ts';
import { drawScenario } from './draw-scenario.ts';
import type { FailedHarness, RunResult } from './jobs.ts';
import { LastLines } from './last-lines.ts';
import { applyPreset } from './presets.ts';
import type { Preset, Scenario, Transport } from './scenario.ts';
import type { OnLine, SimulationReport } from './simulate.ts';
import { simulate } from './simulate.ts';
import { formatViolation } from './violation.ts';

/** What a run depends on besides the code. */
export interface RunSettings {
  readonly preset: Preset;
  /** Drawn by the seed when undefined; transport and strategy as well. */
  readonly nodes: number | undefined;
  readonly transport: Transport | undefined;
  readonly strategy: Strategies | undefined;
  readonly durationMs: number;
}

export function scenarioOf(seed: number, settings: RunSettings): Scenario {
  const { preset, nodes, transport, strategy } = settings;
  const scenario = applyPreset(drawScenario(seed, nodes, strategy), preset);
  return transport === undefined ? scenario : { ...scenario, transport };
}

/** Runs a seed; one that fails runs again, to tell how it came to that. Never rejects. */
export async function runSeed(
  seed: number,
  settings: RunSettings,
  onLine?: OnLine,
): Promise<RunResult> {
  const before = process.cpuUsage();
  const first = await attempt(seed, settings, onLine);
  const { user, system } = process.cpuUsage(before);
  const cpuMs = (user + system) / 1_000;
  const isClean = 'report' in first && first.report.violations.length === 0;
  if (isClean) return { seed, cpuMs, ...first, lastEvents: [] };
  const last = new LastLines();
  const again = await attempt(seed, settings, (...line) => last.add(...line));
  if (isAnother(first, again)) {
    const another = 'run again, the seed gave another run: something is not of the seed';
    const failure = [another, ...violationsOf(first)].join('; at first ');
    return { seed, cpuMs, failure, lastEvents: last.lines };
  }
  return { seed, cpuMs, ...first, lastEvents: last.lines };
}

function violationsOf(attempt: Attempt): readonly string[] {
  return 'report' in attempt ? attempt.report.violations.map(formatViolation) : [];
}

function isAnother(first: Attempt, again: Attempt): boolean {
  if (!('report' in first && 'report' in again)) return false;
  return first.report.fingerprint !== again.report.fingerprint;
}

type Attempt = { readonly report: SimulationReport } | FailedHarness;

/** A mistake of the harness, or a promise that nobody handles, is a failure of this run. */
async function attempt(
  seed: number,
  settings: RunSettings,
  onLine: OnLine | undefined,
): Promise<Attempt> {
  const { stackTraceLimit } = Error;
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): number => unhandled.push(reason);
  process.on('unhandledRejection', onUnhandled);
  try {
    // Members refuse thousands of times in a run: a tenth of it would go into stacks.
    Error.stackTraceLimit = 0;
    const { durationMs } = settings;
    const scenario = scenarioOf(seed, settings);
    const report = await simulate(seed, { durationMs, scenario, ...(onLine && { onLine }) });
    // Node tells of such promises once nothing else is to be done.
    await new Promise((resolve) => setImmediate(resolve));
    return unhandled.length === 0 ? { report } : failureOf('nobody handled', unhandled[0]);
  } catch (error) {
    return failureOf('the run threw', error);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    process.off('unhandledRejection', onUnhandled);
  }
}

function failureOf(what: string, error: unknown): FailedHarness {
  const stack = error instanceof Error ? `\n${String(error.stack)}` : '';
  return { failure: `${what}: ${describeError(error)}${stack}` };
}
