import type { RunResult } from './jobs.ts';
import type { Preset } from './scenario.ts';
import type { SimulationReport } from './simulate.ts';
import { formatViolation } from './violation.ts';

/** One run in full, for replaying it. */
export function formatReport(report: SimulationReport, preset: Preset): string {
  const withPreset = preset === 'swarm' ? '' : ` --preset ${preset}`;
  const faults = [...report.faults].map(([kind, count]) => `${kind} ${count}`).join(', ');
  return [
    `seed ${report.seed}: ${report.violations.length} violations, ` +
      `fingerprint ${report.fingerprint}`,
    ...report.violations.map((violation) => `  ${formatViolation(violation)}`),
    `  faults: ${faults}`,
    `  writes ${report.acknowledgedWrites} acknowledged, ${report.unknownWrites} unknown, ` +
      `${report.refusedWrites} refused; reads ${report.reads} (${report.leaseReads} lease); ` +
      `leader changes ${report.leaderChanges}; events ${report.events}`,
    `  replay: npm run simulate -- --seed ${report.seed}${withPreset} --trace`,
  ].join('\n');
}

/** What really happened over many runs. */
export class Summary {
  readonly #startedAtMs = Date.now();
  readonly #reports: SimulationReport[] = [];
  readonly #failedSeeds: number[] = [];

  add(result: RunResult): void {
    const failed = 'failure' in result || result.report.violations.length > 0;
    if (failed) this.#failedSeeds.push(result.seed);
    if ('report' in result) this.#reports.push(result.report);
  }

  get failed(): number {
    return this.#failedSeeds.length;
  }

  lines(): string[] {
    const sum = (pick: (report: SimulationReport) => number): number =>
      this.#reports.reduce((total, report) => total + pick(report), 0);
    const seconds = sum((report) => report.virtualMs) / 1000;
    const spent = (Date.now() - this.#startedAtMs) / 1000;
    const faults = new Map<string, number>();
    for (const { faults: counts } of this.#reports) {
      for (const [kind, count] of counts) faults.set(kind, (faults.get(kind) ?? 0) + count);
    }
    return [
      `faults: ${[...faults].map(([kind, count]) => `${kind} ${count}`).join(', ')}`,
      `torn writes ${sum((r) => r.tornWrites)}, lost writes ${sum((r) => r.lostWrites)}, ` +
        `leader changes ${sum((r) => r.leaderChanges)}`,
      `writes: ${sum((r) => r.acknowledgedWrites)} acknowledged, ${sum((r) => r.unknownWrites)} ` +
        `unknown, ${sum((r) => r.refusedWrites)} refused; reads: ${sum((r) => r.reads)}, of them ` +
        `${sum((r) => r.leaseReads)} lease`,
      ...this.#failedSeeds.map((seed) => `FAILED seed ${seed}`),
      `runs ${this.#reports.length}, simulated ${Math.round(seconds)} s (${Math.round(
        seconds / spent,
      )} a second), events ${sum((r) => r.events)}, violations ${this.failed}`,
    ];
  }
}
