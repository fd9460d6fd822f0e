import { spawnSync } from 'node:child_process';
import type { CounterName } from './counters.ts';
import { countedFromMemory, countedOver, counterNames } from './counters.ts';
import { durationMsDefault } from './draw-scenario.ts';
import type { RunResult } from './jobs.ts';
import { hasFailed } from './jobs.ts';
import type { RunSettings } from './run-seed.ts';
import type { Transport } from './scenario.ts';
import { transports } from './scenario.ts';
import type { SimulationReport } from './simulate.ts';
import { formatViolation } from './violation.ts';

/** A run with less proves little. */
const operationsMin = 500;
const answeredShareMin = 0.5;
const leaderChangesMedianMin = 3;

/** What many runs must show to be evidence. */
export interface Demands {
  /** What happens in fewer of the runs than this is hardly tested. */
  readonly runsPercentMin: number;
  /** More of them say that the faults leave the clients too little to do. */
  readonly thinPercentMax: number;
}
const strict: Demands = { runsPercentMin: 5, thinPercentMax: 10 };
/** With fewer runs a percentage says nothing. */
const runsJudged = 40;

/** One run in full, for replaying it. */
export function formatResult(result: RunResult, settings: RunSettings): string {
  const { seed, lastEvents } = result;
  if ('failure' in result) {
    return [
      `seed ${seed}: the run came to no end: ${result.failure}`,
      `  commit: ${commit()}`,
      ...lastEvents.map((line) => `  ${line}`),
      `  replay: ${replay(seed, settings)}`,
    ].join('\n');
  }
  const { report } = result;
  const counts = counterNames
    .filter((name) => (report.counts[name] ?? 0) > 0)
    .map((name) => `${name} ${report.counts[name]}`);
  return [
    `seed ${seed}: ${report.violations.length} violations, fingerprint ${report.fingerprint}`,
    ...(report.violations.length > 0 ? [`  commit: ${commit()}`] : []),
    ...report.violations.map((violation) => `  ${formatViolation(violation)}`),
    ...lastEvents.map((line) => `  ${line}`),
    `  ${report.members} members over ${report.transport}, ${Math.round(report.virtualMs)} ms, ` +
      `${report.steps} steps, ${report.operations} operations, ${report.answered} answered`,
    `  ${counts.join(', ')}`,
    `  replay: ${replay(seed, settings)} --fingerprint ${report.fingerprint}`,
  ].join('\n');
}

/** What is wrong when a run should have been another one; undefined: it is that one. */
export function fingerprintProblem(result: RunResult, wanted: string): string | undefined {
  const found = 'report' in result ? result.report.fingerprint : 'none';
  if (found === wanted) return undefined;
  return `ANOTHER RUN: its fingerprint is ${found}, not ${wanted}: has the code changed?`;
}

function replay(seed: number, settings: RunSettings): string {
  const { preset, nodes, transport, strategy, durationMs } = settings;
  const withPreset = preset === 'swarm' ? '' : ` --preset ${preset}`;
  const withNodes = nodes === undefined ? '' : ` --nodes ${nodes}`;
  const withTransport = transport === undefined ? '' : ` --transport ${transport}`;
  const withStrategy = strategy === undefined ? '' : ` --strategy ${strategy}`;
  const withTime = durationMs === durationMsDefault ? '' : ` --duration-ms ${durationMs}`;
  const flags = `${withPreset}${withNodes}${withTransport}${withStrategy}${withTime}`;
  return `npm run -s simulate -- --seed ${seed}${flags} --trace`;
}

/** A seed means the same run only on the same commit. */
function commit(): string {
  const git = spawnSync('git', ['describe', '--always', '--dirty', '--abbrev=40'], {
    encoding: 'utf8',
  });
  return git.status === 0 ? git.stdout.trim() : 'unknown';
}

function isThin({ virtualMs, operations, answered }: SimulationReport): boolean {
  if (virtualMs < durationMsDefault || operations < operationsMin) return true;
  return answered < operations * answeredShareMin;
}

/** What really happened over many runs. */
export class Summary {
  /** Thin ones are not among them. */
  readonly #counted: SimulationReport[] = [];
  readonly #failedSeeds: number[] = [];
  #thin = 0;
  /** Of those that count. */
  readonly #cpuMs: Record<Transport, number> = { messages: 0, bytes: 0 };

  add(result: RunResult): void {
    if (hasFailed(result)) this.#failedSeeds.push(result.seed);
    if (!('report' in result)) return;
    // One that found something counts, however short it was.
    if (!hasFailed(result) && isThin(result.report)) {
      this.#thin += 1;
      return;
    }
    this.#counted.push(result.report);
    this.#cpuMs[result.report.transport] += result.cpuMs;
  }

  get failed(): number {
    return this.#failedSeeds.length;
  }

  lines(): string[] {
    const virtualMs = this.#sum((report) => report.virtualMs);
    const seconds = Math.round(virtualMs / 1_000);
    const speed = speedOf(virtualMs, this.#cpuMs.messages + this.#cpuMs.bytes);
    const operations = this.#sum((report) => report.operations);
    const judged = this.#counted.length >= runsJudged;
    return [
      ...this.#measures(strict).map(({ text, problem }) =>
        problem === undefined || !judged ? text : `${text}   WARNING: ${problem}`,
      ),
      ...transports.flatMap((transport) => this.#transportLine(transport)),
      `speed: ${speed} simulated seconds a second of one processor, user and system`,
      ...this.#failedSeeds.map((seed) => `FAILED seed ${seed}`),
      `runs ${this.#counted.length}, simulated ${seconds} s, ` +
        `steps ${this.#sum((report) => report.steps)}, operations checked ${operations}, ` +
        this.#verdict(),
    ];
  }

  /** Why these runs are no evidence, as many as they may be; empty: they are. */
  shortcomings(demands: Demands = strict): string[] {
    const counted = this.#counted.length;
    if (counted < runsJudged) return [`${counted} runs counted: below ${runsJudged}`];
    return this.#measures(demands).flatMap(({ text, problem }) =>
      problem === undefined ? [] : [`${text}: ${problem}`],
    );
  }

  /** How many violations there were, in how many runs; whatever came to no end is none. */
  #verdict(): string {
    const violations = this.#sum((report) => report.violations.length);
    const seeds = this.#counted.filter((report) => report.violations.length > 0).length;
    const endless = this.failed - seeds;
    return [
      `violations ${violations}${seeds === 0 ? '' : ` in ${seeds} of the runs`}`,
      ...(endless === 0 ? [] : [`runs that came to no end ${endless}`]),
    ].join(', ');
  }

  #measures({ runsPercentMin, thinPercentMax }: Demands): Measure[] {
    return [
      ...counterNames.map((name) => this.#counterMeasure(name, runsPercentMin)),
      this.#leaderMeasure(),
      this.#thinMeasure(thinPercentMax),
    ];
  }

  #transportLine(transport: Transport): string[] {
    const reports = this.#counted.filter((report) => report.transport === transport);
    if (reports.length === 0) return [];
    const virtualMs = reports.reduce((total, report) => total + report.virtualMs, 0);
    const percent = percentOf(reports.length, this.#counted.length).toFixed(1);
    const speed = speedOf(virtualMs, this.#cpuMs[transport]);
    return [`over ${transport}: ${reports.length} runs, ${percent}%, speed ${speed}`];
  }

  #sum(pick: (report: SimulationReport) => number): number {
    return this.#counted.reduce((total, report) => total + pick(report), 0);
  }

  #counterMeasure(name: CounterName, runsPercentMin: number): Measure {
    const total = this.#sum(({ counts }) => counts[name] ?? 0);
    const over = countedOver[name];
    const fromMemory = countedFromMemory.has(name);
    const where = (over === undefined ? '' : ` over ${over}`) + (fromMemory ? ' from memory' : '');
    const able = this.#counted.filter(
      ({ transport, strategies }) =>
        transport === (over ?? transport) && (!fromMemory || strategies !== 'DiskFirst'),
    );
    const runs = able.filter(({ counts }) => (counts[name] ?? 0) > 0).length;
    const percent = percentOf(runs, able.length);
    const isRare = percent < runsPercentMin && able.length >= runsJudged;
    return {
      text: `${name}: ${total}, in ${percent.toFixed(1)}% of the runs${where}`,
      problem: isRare ? `below ${runsPercentMin}%` : undefined,
    };
  }

  #leaderMeasure(): Measure {
    const changes = this.#counted.map(({ counts }) => counts['leader changes'] ?? 0);
    changes.sort((one, other) => one - other);
    const median = changes[Math.floor(changes.length / 2)] ?? 0;
    return {
      text: `leader changes of a run, median: ${median}`,
      problem: median < leaderChangesMedianMin ? `below ${leaderChangesMedianMin}` : undefined,
    };
  }

  #thinMeasure(thinPercentMax: number): Measure {
    const percent = percentOf(this.#thin, this.#counted.length + this.#thin);
    return {
      text:
        `thin: ${this.#thin} runs, ${percent.toFixed(1)}%, not counted: under ` +
        `${durationMsDefault / 1_000} s, ${operationsMin} operations or half of them answered`,
      problem: percent > thinPercentMax ? `over ${thinPercentMax}%` : undefined,
    };
  }
}

/** A line of the summary, and what is wrong with its number. */
interface Measure {
  readonly text: string;
  readonly problem: string | undefined;
}

/** Simulated seconds for each second of a processor. */
function speedOf(virtualMs: number, cpuMs: number): number {
  return Math.round(virtualMs / Math.max(1, cpuMs));
}

function percentOf(part: number, whole: number): number {
  return (100 * part) / Math.max(whole, 1);
}
