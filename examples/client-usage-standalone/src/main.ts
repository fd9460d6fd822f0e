import type { Consistency } from 'd-engine/client';
import { connect, DEngineError } from 'd-engine/client';

// A command line over the client: numbers are kept as 8 bytes, big end first.

const usage = `usage: client [--endpoints LIST] COMMAND
  put KEY NUMBER           write
  delete KEY               delete
  get KEY                  read one member's own state, possibly old
  sget KEY                 read by the leader's lease
  lget KEY                 read linearizably
  cas KEY EXPECTED NUMBER  write if KEY holds EXPECTED; none: if it is absent`;

const policies: Readonly<Record<string, Consistency>> = {
  get: 'eventual',
  sget: 'lease',
  lget: 'linearizable',
};

const args = process.argv.slice(2);
let endpoints = 'http://127.0.0.1:9083';
if (args[0] === '--endpoints') [, endpoints = ''] = args.splice(0, 2);
const [command = '', key = '', ...operands] = args;

const client = connect({ endpoints: endpoints.split(',') });
try {
  await run();
} catch (error) {
  if (!(error instanceof DEngineError)) throw error;
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
} finally {
  await client.close();
}

async function run(): Promise<void> {
  const consistency = policies[command];
  if (key === '') return refuse();
  if (consistency !== undefined) {
    const entry = await client.get(key, { consistency });
    console.log(entry === null ? 'absent' : String(numberOf(entry.value)));
  } else if (command === 'put') {
    const value = bytesOf(operands[0]);
    if (value === undefined) return refuse();
    console.log(`revision ${(await client.put(key, value)).revision}`);
  } else if (command === 'delete') {
    const { deleted, revision } = await client.delete(key);
    console.log(deleted ? `deleted, revision ${revision}` : 'absent');
  } else if (command === 'cas') {
    const expected = operands[0] === 'none' ? null : bytesOf(operands[0]);
    const value = bytesOf(operands[1]);
    if (expected === undefined || value === undefined) return refuse();
    const { succeeded, current } = await client.compareAndSwap(key, expected, value);
    const found = current === null ? 'absent' : String(numberOf(current));
    console.log(succeeded ? 'swapped' : `not swapped, it is ${found}`);
  } else refuse();
}

function refuse(): void {
  console.error(usage);
  process.exitCode = 2;
}

/** Undefined for what is no number from 0 to 2^64 - 1. */
function bytesOf(digits: string | undefined): Uint8Array | undefined {
  if (digits === undefined || !/^\d{1,20}$/.test(digits)) return undefined;
  const number = BigInt(digits);
  if (number >= 2n ** 64n) return undefined;
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, number);
  return bytes;
}

function numberOf(bytes: Uint8Array): bigint | string {
  if (bytes.length !== 8) return `${bytes.length} bytes that are no number`;
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0);
}
