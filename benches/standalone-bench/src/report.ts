import type { DriveResult } from './drive.ts';

const percentiles = [50, 90, 99, 99.9];

export function reportLines(result: DriveResult): string[] {
  const { elapsedMs, succeeded, failures, latencies } = result;
  const perSecond = (succeeded / elapsedMs) * 1000;
  const failed = [...failures].map(([name, count]) => `${name} ${count}`).join(', ');
  return [
    `Total time: ${(elapsedMs / 1000).toFixed(3)} s`,
    `Requests: ${succeeded}, failed: ${failed === '' ? 'none' : failed}`,
    `Throughput: ${perSecond.toFixed(0)} ops/s`,
    `Latency us: avg ${latencies.mean.toFixed(0)} min ${latencies.min} max ${latencies.max} ` +
      percentiles.map((p) => `p${p} ${latencies.percentile(p)}`).join(' '),
  ];
}
