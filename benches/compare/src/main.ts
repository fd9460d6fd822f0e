import { resolve } from 'node:path';
import { Command } from 'commander';
import type { Cluster } from './cluster.ts';
import { startDEngine } from './d-engine-cluster.ts';
import { startEtcd } from './etcd-cluster.ts';
import type { GoPrograms } from './go-programs.ts';
import { buildGoPrograms } from './go-programs.ts';
import { measure } from './measure.ts';
import type { Row } from './rows.ts';
import { rows } from './rows.ts';
import type { Pair } from './table.ts';
import { tableOf } from './table.ts';

// npm run bench:compare -- [--quick]

const keySpace = 10_000;
const root = resolve(process.argv[1] as string, '../../../..');

const program = new Command('compare-bench')
  .description('three nodes of ours and three of etcd, driven by one generator in turns')
  .option('--quick', 'three rounds of two seconds instead of ten of five')
  .option('--only <text>', 'only rows whose name holds this text')
  .parse();
const { quick, only } = program.opts<{ quick?: true; only?: string }>();
const rounds = quick === true ? 3 : 10;
const seconds = quick === true ? 2 : 5;
const wanted = rows.filter(({ name }) => only === undefined || name.includes(only));

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

say('compare: building etcd and the generator, which takes a minute the first time');
const programs = buildGoPrograms(root);
if (programs === undefined) say('not run: go missing');
else await compare(programs);

async function compare({ etcd, generator }: GoPrograms): Promise<void> {
  const clusters: Cluster[] = [];
  process.once('SIGINT', () => process.exit(130));
  try {
    clusters.push(await startDEngine(root), await startEtcd(etcd));
    const [ours, theirs] = clusters as [Cluster, Cluster];
    await fill(generator, clusters);
    const results = new Map<Row, Pair[]>();
    for (let round = 1; round <= rounds; round++) {
      say(`compare: round ${round} of ${rounds}`);
      for (const row of wanted) {
        const run = (cluster: Cluster) =>
          measure({ generator, cluster, row, seconds, seed: round, keySpace });
        // Who comes first has the cooler machine: each does in turn.
        const pair: Pair =
          round % 2 === 1
            ? { ours: await run(ours), theirs: await run(theirs) }
            : await run(theirs).then(async (first) => ({ theirs: first, ours: await run(ours) }));
        results.set(row, [...(results.get(row) ?? []), pair]);
      }
    }
    for (const line of tableOf(results)) say(line);
  } finally {
    await Promise.all(clusters.map((cluster) => cluster.stop()));
  }
}

/** Both hold the keys before anything is measured, and have run for a while. */
async function fill(generator: string, clusters: readonly Cluster[]): Promise<void> {
  const row: Row = { name: 'fill', operation: 'put', connections: 10, streams: 10 };
  for (const cluster of clusters) {
    await measure({ generator, cluster, row, seconds: 5, seed: 0, keySpace });
  }
}
