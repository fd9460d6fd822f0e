import { runLogBench } from './log.ts';
import { runNodeBench } from './node.ts';
import { runStateBench } from './state.ts';
import { runWatchBench } from './watch.ts';

// npm run bench:storage -- state|log|node|watch [--keys N] [--gzip]

const [what, ...rest] = process.argv.slice(2);
const keysAt = rest.indexOf('--keys');
const keyCount = keysAt === -1 ? 1_000_000 : Number(rest[keysAt + 1]);
const compress = rest.includes('--gzip');
const benches: Readonly<Record<string, () => Promise<void>>> = {
  state: () => runStateBench({ keyCount, compress }),
  log: () => runLogBench(),
  node: () => runNodeBench(keyCount),
  watch: () => runWatchBench(10_000),
};
const bench = benches[what ?? ''];
if (bench === undefined || !Number.isInteger(keyCount) || keyCount < 1000) {
  const usage = 'bench:storage -- state|log|node|watch [--keys N, at least 1000] [--gzip]';
  console.error(`usage: npm run ${usage}`);
  process.exitCode = 2;
} else {
  await bench();
}
