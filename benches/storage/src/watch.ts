import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClientApi, Watch, WatchTarget } from 'd-engine';
import { EmbeddedEngine } from 'd-engine';
import { megabytes, perSecondText, report } from './report.ts';
import { runWatchParts } from './watch-parts.ts';

const value = Buffer.alloc(256, 'x');
const inFlight = 1_000;
const puts = 40_000;

interface Case {
  readonly name: string;
  readonly watchers: number;
  readonly target: (number: number) => WatchTarget;
  readonly reads: boolean;
}

/** One node, embedded, with every write synced, under as many writes as it takes, and watchers. */
export async function runWatchBench(watcherCount: number): Promise<void> {
  runWatchParts(watcherCount);
  const directory = await mkdtemp(join(process.cwd(), 'bench-watch-'));
  const key = (number: number): WatchTarget => ({ key: `key-${number}` });
  const many = watcherCount.toLocaleString('en');
  const cases: readonly Case[] = [
    { name: 'no watchers', watchers: 0, target: key, reads: true },
    {
      name: `${many} of other keys`,
      watchers: watcherCount,
      target: (number) => ({ key: `other-${number}` }),
      reads: true,
    },
    { name: `${many}, each of one key`, watchers: watcherCount, target: key, reads: true },
    {
      name: `${many}, each of one prefix`,
      watchers: watcherCount,
      target: (number) => ({ prefix: `key-${number}` }),
      reads: true,
    },
    { name: `${many}, and none reads`, watchers: watcherCount, target: key, reads: false },
    { name: '10 of everything', watchers: 10, target: () => ({ prefix: '' }), reads: true },
    {
      name: '10 of everything, and none reads',
      watchers: 10,
      target: () => ({ prefix: '' }),
      reads: false,
    },
    { name: 'no watchers, again', watchers: 0, target: key, reads: true },
  ];
  try {
    for (const [number, each] of cases.entries()) {
      await measure(join(directory, String(number)), each, watcherCount);
    }
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function measure(dataDir: string, each: Case, keyCount: number): Promise<void> {
  const engine = await EmbeddedEngine.start({
    config: { cluster: { db_root_dir: dataDir, log_dir: `${dataDir}-logs` } },
  });
  await engine.waitReady();
  const client = engine.client();
  await write(client, 2 * keyCount, keyCount);
  const before = memory();
  const heard = { events: 0 };
  const watches = Array.from({ length: each.watchers }, (_, number) =>
    client.watch(each.target(number)),
  );
  const following = each.reads ? watches.map((watch) => follow(watch, heard)) : [];
  const perWatcher = each.watchers === 0 ? 0 : (memory() - before) / each.watchers;
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await write(client, puts, keyCount);
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const cpuUs = ((user + system) / puts).toFixed(1);
  const rate = `${perSecondText(puts / seconds)} puts/s, ${cpuUs} us of CPU each`;
  const events = `${perSecondText(heard.events / seconds)} events/s`;
  const bytes = `${Math.round(perWatcher)} B a watcher, ${megabytes(memory())} in all`;
  report(each.name, `${rate}, ${events}, ${bytes}`);
  for (const watch of watches) await watch.return?.();
  await Promise.all(following);
  await engine.stop();
}

async function follow(watch: Watch, heard: { events: number }): Promise<void> {
  for await (const batch of watch) {
    if (batch.type === 'events') heard.events += batch.events.length;
  }
}

/** So many at a time as a busy service has. */
async function write(client: ClientApi, count: number, keyCount: number): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await client.put(`key-${Math.floor(Math.random() * keyCount)}`, value);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

function memory(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
