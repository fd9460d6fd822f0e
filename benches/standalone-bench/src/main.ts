import { Command, Option } from 'commander';
import type { Consistency } from 'd-engine/client';
import { drive } from './drive.ts';
import { keyMaker } from './keys.ts';
import { reportLines } from './report.ts';

// node tools/run-ts.mjs benches/standalone-bench/src/main.ts --endpoints HOST:PORT ... put

interface Flags {
  readonly endpoints: readonly string[];
  readonly conns: number;
  readonly clients: number;
  readonly total: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly sequentialKeys?: boolean;
  readonly keySpace?: number;
}

const consistencies: Readonly<Record<string, Consistency>> = {
  l: 'linearizable',
  s: 'lease',
  e: 'eventual',
};

const whole = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) program.error(`not a whole number: ${text}`);
  return value;
};

const program = new Command('standalone-bench')
  .requiredOption('--endpoints <address...>', 'members of the cluster')
  .option('--conns <count>', 'connections', whole, 1)
  .option('--clients <count>', 'requests under way at once, over all connections', whole, 1)
  .option('--total <count>', 'requests', whole, 10_000)
  .option('--key-size <bytes>', 'bytes of a key', whole, 8)
  .option('--value-size <bytes>', 'bytes of a value', whole, 256)
  .option('--sequential-keys', 'keys in order instead of at random')
  .option('--key-space <count>', 'only so many different keys', whole);

program.command('put').action(() => run('put'));
program
  .command('range')
  .addOption(
    new Option('--consistency <policy>', 'linearizable, lease (s) or eventual')
      .choices(Object.keys(consistencies))
      .default('l'),
  )
  .action((flags: { consistency: string }) => {
    return run(consistencies[flags.consistency] ?? 'linearizable');
  });

async function run(operation: 'put' | Consistency): Promise<void> {
  const flags = program.opts<Flags>();
  const result = await drive({
    ...flags,
    operation,
    value: Buffer.alloc(flags.valueSize, 'v'),
    keyOf: keyMaker({
      keyBytes: flags.keySize,
      sequential: flags.sequentialKeys === true,
      keySpace: flags.keySpace,
    }),
  });
  for (const line of reportLines(result)) process.stdout.write(`${line}\n`);
  process.exitCode = result.failures.size === 0 ? 0 : 1;
}

await program.parseAsync();
