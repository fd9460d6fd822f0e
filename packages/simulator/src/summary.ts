import { spawnSync } from 'node:child_process';
import type { CounterName } from './counters.ts';
import { counterNames } from './counters.ts';
import { durationMsDefault } from './draw-scenario.ts';
import type { RunResult } from './jobs.ts';
import { hasFailed } from './jobs.ts';
import type { RunSettings } from './run-seed.ts';
import type { SimulationReport } from './simulate.ts';
import { formatViolation } from './violation.ts';

/** A run with less proves little. */
const operationsMin = 500;
const answeredShareMin = 0.5;
/** What happens in fewer of the runs than this is hardly tested. */
const runsPercentMin = 5;
const leaderChangesMedianMin = 3;
/** With fewer runs a percentage says nothing. */
const runsJudged = 40;

/** One run in full, for replaying it. */
export function formatResult(result: RunResult, settings: RunSettings): string {
  const { seed } = result;
  if ('failure' in result) return `seed ${seed}: the run failed: ${result.failure}`;
  const { report, lastEvents } = result;
  const counts = counterNames
    .filter((name) => (report.counts[name] ?? 0) > 0)
    .map((name) => `${name} ${report.counts[name]}`);
  return [
    `seed ${seed}: ${report.violations.length} violations, fingerprint ${report.fingerprint}`,
    ...(report.violations.length > 0 ? [`  commit: ${commit()}`] : []),
    ...report.violations.map((violation) => `  ${formatViolation(violation)}`),
    ...lastEvents.map((line) => `  ${line}`),
    `  ${report.members} members, ${Math.round(report.virtualMs)} ms, ${report.steps} steps, ` +
      `${report.operations} operations, ${report.answered} answered`,
    `  ${counts.join(', ')}`,
    `  replay: npm run -s simulate -- --seed ${seed}${replayFlags(settings)} --trace`,
  ].join('\n');
}

function replayFlags({ preset, nodes, durationMs }: RunSettings): string {
  const withPreset = preset === 'swarm' ? '' : ` --preset ${preset}`;
  const withNodes = nodes === undefined ? '' : ` --nodes ${nodes}`;
  const withTime = durationMs === durationMsDefault ? '' : ` --duration-ms ${durationMs}`;
  return `${withPreset}${withNodes}${withTime}`;
}

/** A seed means the same run only on the same commit. */
function commit(): string {
  const git = spawnSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' });
  return git.status === 0 ? git.stdout.trim() : 'unknown';
}

function isThin({ virtualMs, operations, answered }: SimulationReport): boolean {
  if (virtualMs < durationMsDefault || operations < operationsMin) return true;
  return answered < operations * answeredShareMin;
}

/** What really happened over many runs. */
export class Summary {
  readonly #reports: SimulationReport[] = [];
  readonly #failedSeeds: number[] = [];
  #thin = 0;
  #cpuMs = 0;

  add(result: RunResult): void {
    if (hasFailed(result)) this.#failedSeeds.push(result.seed);
    if (!('report' in result)) return;
    this.#cpuMs += result.cpuMs;
    // One that found something counts, however short it was.
    if (!hasFailed(result) && isThin(result.report)) this.#thin += 1;
    this.#reports.push(result.report);
  }

  get failed(): number {
    return this.#failedSeeds.length;
  }

  lines(): string[] {
    const seconds = this.#sum((report) => report.virtualMs) / 1_000;
    const speed = Math.round(seconds / (this.#cpuMs / 1_000));
    const operations = this.#sum((report) => report.operations);
    return [
      ...counterNames.map((name) => this.#counterLine(name)),
      this.#leaderLine(),
      `speed: ${speed} simulated seconds a second of one processor`,
      ...(this.#thin > 0
        ? [`thin: ${this.#thin} runs had fewer than ${operationsMin} operations or half of answers`]
        : []),
      ...this.#failedSeeds.map((seed) => `FAILED seed ${seed}`),
      `runs ${this.#reports.length - this.#thin}, simulated ${Math.round(seconds)} s, ` +
        `steps ${this.#sum((report) => report.steps)}, operations checked ${operations}, ` +
        `violations ${this.failed}`,
    ];
  }

  #sum(pick: (report: SimulationReport) => number): number {
    return this.#reports.reduce((total, report) => total + pick(report), 0);
  }

  #counterLine(name: CounterName): string {
    const total = this.#sum(({ counts }) => counts[name] ?? 0);
    const runs = this.#reports.filter(({ counts }) => (counts[name] ?? 0) > 0).length;
    const percent = (100 * runs) / Math.max(this.#reports.length, 1);
    const isRare = percent < runsPercentMin && this.#reports.length >= runsJudged;
    const warning = isRare ? `   WARNING: below ${runsPercentMin}%` : '';
    return `${name}: ${total}, in ${percent.toFixed(1)}% of the runs${warning}`;
  }

  #leaderLine(): string {
    const changes = this.#reports.map(({ counts }) => counts['leader changes'] ?? 0);
    changes.sort((one, other) => one - other);
    const median = changes[Math.floor(changes.length / 2)] ?? 0;
    const warning =
      median < leaderChangesMedianMin ? `   WARNING: below ${leaderChangesMedianMin}` : '';
    return `leader changes of a run, median: ${median}${warning}`;
  }
}
