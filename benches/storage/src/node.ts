import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ClientApi } from 'd-engine';
import { EmbeddedEngine } from 'd-engine';
import { megabytes, perSecondText, report, spread } from './report.ts';

const value = Buffer.alloc(256, 'x');
const inFlight = 1_000;

/** One whole node, embedded, with every write synced: what its users get of all this. */
export async function runNodeBench(keyCount: number): Promise<void> {
  const directory = await mkdtemp(join(process.cwd(), 'bench-storage-'));
  try {
    await throughput(join(directory, 'keys'), keyCount);
    await longLog(join(directory, 'log'));
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function throughput(dataDir: string, keyCount: number): Promise<void> {
  const small = await startNode(`${dataDir}-small`, 1_000_000_000);
  const large = await startNode(`${dataDir}-large`, 1_000_000_000);
  await puts(small.client(), 1_000, (number) => number);
  await puts(large.client(), keyCount, (number) => number);
  reportMemory(`memory with ${keyCount} keys and 1,000`, keyCount);
  const ratios: number[] = [];
  for (let pair = 0; pair < 10; pair++) {
    const few = await rate(small.client(), 1_000);
    ratios.push((await rate(large.client(), keyCount)) / few);
  }
  report(`puts/s at ${keyCount} keys / at 1,000`, spread(ratios));
  await small.stop();
  await large.stop();
  await snapshotUnderLoad(`${dataDir}-large`, keyCount);
}

/** Started anew with snapshots: one is due at once. */
async function snapshotUnderLoad(dataDir: string, keyCount: number): Promise<void> {
  const engine = await startNode(dataDir, 1_000);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const startedAt = performance.now();
  let done = 0;
  while (snapshotsIn(dataDir) === 0 && performance.now() - startedAt < 120_000) {
    await puts(engine.client(), 20_000, () => Math.floor(Math.random() * keyCount));
    done += 20_000;
  }
  delay.disable();
  const seconds = (performance.now() - startedAt) / 1000;
  const [p99, max] = [delay.percentile(99), delay.max].map((ns) => (ns / 1e6).toFixed(1));
  report(
    'beside a snapshot',
    `${perSecondText(done / seconds)} puts/s, loop p99 ${p99}, max ${max} ms`,
  );
  reportMemory('memory after it', keyCount);
  await engine.stop();
}

/** 1 GiB of log, in values that replace each other. */
async function longLog(dataDir: string): Promise<void> {
  const engine = await startNode(dataDir, 1_000_000_000);
  const client = engine.client();
  const large = Buffer.alloc(256 * 1024, 'y');
  const before = process.memoryUsage.rss();
  for (let round = 0; round < 256; round++) {
    await Promise.all(Array.from({ length: 16 }, (_, key) => client.put(`k${key}`, large)));
  }
  const grown = process.memoryUsage.rss() - before;
  report('memory that 1 GiB of log adds', megabytes(grown));
  await engine.stop();
}

function snapshotsIn(dataDir: string): number {
  const directory = join(dataDir, 'snapshots');
  const names = existsSync(directory) ? readdirSync(directory) : [];
  return names.filter((name) => /^snapshot-\d+-\d+$/.test(name)).length;
}

function startNode(dataDir: string, snapshotEntries: number): Promise<EmbeddedEngine> {
  const config = {
    cluster: { db_root_dir: dataDir, log_dir: `${dataDir}-logs` },
    raft: { snapshot: { max_log_entries_before_snapshot: snapshotEntries } },
  };
  return EmbeddedEngine.start({ config }).then(async (engine) => {
    await engine.waitReady();
    return engine;
  });
}

async function rate(client: ClientApi, keyCount: number): Promise<number> {
  const count = 20_000;
  const startedAt = performance.now();
  await puts(client, count, () => Math.floor(Math.random() * keyCount));
  return count / ((performance.now() - startedAt) / 1000);
}

/** So many at a time as a busy service has. */
async function puts(
  client: ClientApi,
  count: number,
  keyOf: (number: number) => number,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await client.put(`key-${keyOf(next++)}`, value);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

function reportMemory(name: string, keyCount: number): void {
  const { rss } = process.memoryUsage();
  const raw = keyCount * value.length;
  report(name, `${megabytes(rss)}, ${(rss / raw).toFixed(2)} x the values`);
}
