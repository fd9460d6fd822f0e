import { runStateBench } from './state.ts';

// npm run bench:storage -- state [--keys N] [--gzip]

const [what, ...rest] = process.argv.slice(2);
const keysAt = rest.indexOf('--keys');
const keyCount = keysAt === -1 ? 1_000_000 : Number(rest[keysAt + 1]);
if (what !== 'state' || !Number.isInteger(keyCount) || keyCount < 1000) {
  console.error('usage: npm run bench:storage -- state [--keys N, at least 1000] [--gzip]');
  process.exitCode = 2;
} else {
  await runStateBench({ keyCount, compress: rest.includes('--gzip') });
}
