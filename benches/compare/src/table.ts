import type { Measurement } from './measure.ts';
import type { Row } from './rows.ts';

/** The same row of both, measured right after one another. */
export interface Pair {
  readonly ours: Measurement;
  readonly theirs: Measurement;
}

const headings = [
  'row',
  'ours/s',
  'etcd/s',
  'ratio',
  'spread',
  'ours mean us',
  'etcd mean us',
  'ours p99 us',
  'etcd p99 us',
  'ours cpu us',
  'etcd cpu us',
  'failed',
];

export function tableOf(results: ReadonlyMap<Row, readonly Pair[]>): string[] {
  const body = [...results].map(([row, pairs]) => cellsOf(row, pairs));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...body.map((cells) => (cells[column] ?? '').length)),
  );
  return [headings, ...body].map((cells) =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
}

function cellsOf(row: Row, pairs: readonly Pair[]): string[] {
  const ratios = pairs.map(({ ours, theirs }) => ours.perSecond / theirs.perSecond);
  const middle = (pick: (pair: Pair) => number): string => median(pairs.map(pick)).toFixed(0);
  const failed = pairs.map(({ ours, theirs }) => [ours.failed, theirs.failed] as const);
  const sum = (side: 0 | 1): number => failed.reduce((total, pair) => total + pair[side], 0);
  return [
    row.name,
    middle(({ ours }) => ours.perSecond),
    middle(({ theirs }) => theirs.perSecond),
    median(ratios).toFixed(2),
    `${Math.min(...ratios).toFixed(2)}..${Math.max(...ratios).toFixed(2)}`,
    middle(({ ours }) => ours.meanUs),
    middle(({ theirs }) => theirs.meanUs),
    middle(({ ours }) => ours.p99Us),
    middle(({ theirs }) => theirs.p99Us),
    middle(({ ours }) => ours.cpuUsPerCall),
    middle(({ theirs }) => theirs.cpuUsPerCall),
    `${sum(0)}, ${sum(1)}`,
  ];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
