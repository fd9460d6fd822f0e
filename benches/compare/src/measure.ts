import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Cluster } from './cluster.ts';
import { cpuMsOf } from './cluster.ts';
import type { Row } from './rows.ts';

/** What the generator prints. */
interface GeneratorReport {
  readonly seconds: number;
  readonly succeeded: number;
  readonly found: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly minRevision: number;
  readonly maxRevision: number;
  readonly meanUs: number;
  readonly p99Us: number;
}

export interface Measurement {
  readonly perSecond: number;
  readonly meanUs: number;
  readonly p99Us: number;
  /** Of the three servers together. */
  readonly cpuUsPerCall: number;
  readonly failed: number;
}

export interface MeasureOptions {
  readonly generator: string;
  readonly cluster: Cluster;
  readonly row: Row;
  readonly seconds: number;
  readonly seed: number;
  readonly keySpace: number;
}

/** One run of the generator. Throws when the answers do not add up. */
export async function measure(options: MeasureOptions): Promise<Measurement> {
  const { generator, cluster, row, seconds, seed, keySpace } = options;
  const flags = {
    address: await cluster.leaderAddress(),
    dialect: cluster.name,
    operation: row.operation,
    connections: row.connections,
    streams: row.streams,
    duration: `${seconds}s`,
    'key-space': keySpace,
    seed,
  };
  const words = Object.entries(flags).map(([name, value]) => `-${name}=${value}`);
  const cpuBeforeMs = cpuMsOf(cluster);
  const { stdout } = await promisify(execFile)(generator, words);
  const cpuMs = cpuMsOf(cluster) - cpuBeforeMs;
  const report = JSON.parse(stdout) as GeneratorReport;
  expectSense(cluster, row, report);
  return {
    perSecond: report.succeeded / report.seconds,
    meanUs: report.meanUs,
    p99Us: report.p99Us,
    cpuUsPerCall: (cpuMs * 1_000) / Math.max(1, report.succeeded),
    failed: Object.values(report.failures).reduce((sum, count) => sum + count, 0),
  };
}

/** A server that answers without doing the work would be the fastest of all. */
function expectSense(cluster: Cluster, row: Row, report: GeneratorReport): void {
  const { succeeded, found, minRevision, maxRevision } = report;
  const told = `${cluster.name} ${row.name}: ${JSON.stringify(report)}`;
  if (succeeded === 0) throw new Error(`nothing succeeded: ${told}`);
  if (row.operation === 'put') {
    // Each put has a revision of its own; an election in between would add one.
    const grown = maxRevision - minRevision + 1;
    if (grown < succeeded) throw new Error(`more successes than revisions: ${told}`);
    if (grown > succeeded * 1.01 + 10) throw new Error(`revisions without puts: ${told}`);
  } else if (found < succeeded * 0.9) throw new Error(`reads that found nothing: ${told}`);
}
