import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { encodeEntries, encodeWriteCommand, entryKinds } from '@d-engine/base';
import type { SnapshotSection } from '@d-engine/storage';
import { KeyValueStateMachine, SnapshotDirectory, snapshotSectionKinds } from '@d-engine/storage';
import { RealCompute, RealDisk } from '../../../packages/d-engine/src/env/index.ts';

const valueBytes = 256;
/** About what one turn of a busy node applies. */
const entriesPerTurn = 200;
const bytesPerMegabyte = 1_000_000;

interface Options {
  readonly keyCount: number;
  readonly compress: boolean;
}

/** A state under as many writes as this thread can make, and a snapshot taken beside them. */
export async function runStateBench(options: Options): Promise<void> {
  const { keyCount } = options;
  const idleRss = process.memoryUsage().rss;
  const small = new Load(1000);
  small.fill();
  for (let round = 0; round < 100; round++) small.puts(1000);
  report('puts at 1,000 keys', `${perOperation(() => small.puts(200_000), 200_000)} us of CPU`);
  report('gets at 1,000 keys', `${perOperation(() => small.gets(200_000), 200_000)} us of CPU`);
  const load = new Load(keyCount);
  const filling = perOperation(() => load.fill(), keyCount);
  report('first puts, in any order', `${filling} us of CPU`);
  const many = keyCount.toLocaleString('en');
  report(`puts at ${many} keys`, `${perOperation(() => load.puts(500_000), 500_000)} us of CPU`);
  report(`gets at ${many} keys`, `${perOperation(() => load.gets(500_000), 500_000)} us of CPU`);
  const rawBytes = keyCount * valueBytes;
  reportMemory('memory', process.memoryUsage().rss, rawBytes);
  report('of it before the first key', megabytes(idleRss));
  await underLoad('writes alone', load, rawBytes, pause(5000));
  await snapshotUnderLoad(load, rawBytes, options);
  await underLoad('writes after the snapshot', load, rawBytes, pause(5000));
}

async function snapshotUnderLoad(load: Load, rawBytes: number, options: Options): Promise<void> {
  const directory = await mkdtemp(join(process.cwd(), 'bench-storage-'));
  const disk = new RealDisk();
  try {
    const { compress } = options;
    const compute = new RealCompute();
    const store = await SnapshotDirectory.open({ disk, compute, directory, compress });
    const view = load.machine.view();
    const index = view.appliedIndex;
    const header = { clusterId: 'c'.repeat(32), formedAtWallMs: 1, index, term: 1 };
    async function* sections(): AsyncGenerator<SnapshotSection> {
      yield nobody;
      yield* view.sections();
    }
    const name = compress ? 'writes beside a snapshot, gzip' : 'writes beside a snapshot';
    const written = store.write(header, sections()).finally(() => view.release());
    await underLoad(name, load, rawBytes, written);
    report('  file', megabytes((await written).lengthBytes));
    await store.close();
  } finally {
    await disk.close();
    await rm(directory, { recursive: true });
  }
}

/** Writes turn by turn until `end`, and what that does to the event loop and to memory. */
async function underLoad(
  name: string,
  load: Load,
  rawBytes: number,
  end: Promise<unknown>,
): Promise<void> {
  let isOver = false;
  const over = end.finally(() => {
    isOver = true;
  });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const startedAtMs = performance.now();
  let puts = 0;
  let rssMax = 0;
  let turnCpuUsMax = 0;
  let cpu = process.cpuUsage();
  while (!isOver) {
    const { user, system } = process.cpuUsage(cpu);
    turnCpuUsMax = Math.max(turnCpuUsMax, user + system);
    cpu = process.cpuUsage();
    load.puts(entriesPerTurn);
    puts += entriesPerTurn;
    if (puts % (entriesPerTurn * 50) === 0) {
      rssMax = Math.max(rssMax, process.memoryUsage.rss());
    }
    await nextTurn();
  }
  const seconds = (performance.now() - startedAtMs) / 1000;
  delay.disable();
  await over;
  const pauses = [delay.percentile(50), delay.percentile(99), delay.max];
  const text = pauses.map((nanoseconds) => (nanoseconds / 1e6).toFixed(1));
  report(name, `${Math.round(puts / seconds).toLocaleString('en')} puts/s, ${puts} puts`);
  report('  event loop, ms between two looks', `p50 ${text[0]}, p99 ${text[1]}, max ${text[2]}`);
  // On a machine that others use too, this tells our own pauses from theirs.
  report('  most CPU of one turn, all threads', `${(turnCpuUsMax / 1000).toFixed(1)} ms`);
  reportMemory('  memory at most', rssMax, rawBytes);
  reportMemory('  memory at its end', process.memoryUsage.rss(), rawBytes);
}

const nobody: SnapshotSection = {
  kind: snapshotSectionKinds.configuration,
  configuration: {
    voters: [1],
    outgoingVoters: [],
    learners: [],
    nextLearners: [],
    autoLeave: false,
    members: [],
  },
  configurationIndex: 1,
  bindings: [],
};

/** A machine and its keys; none of them is kept here, so memory is the machine's. */
class Load {
  readonly machine: KeyValueStateMachine = new KeyValueStateMachine({ readHistoryId: () => 'h' });
  readonly #keyCount: number;
  readonly #value = Buffer.alloc(valueBytes);
  #random = 12_345;

  constructor(keyCount: number) {
    this.#keyCount = keyCount;
  }

  /** Each key once, as if in any order. */
  fill(): void {
    const step = 7_368_787;
    for (let done = 0; done < this.#keyCount; done += 1000) {
      const count = Math.min(1000, this.#keyCount - done);
      this.#apply(count, (position) => ((done + position) * step) % this.#keyCount);
    }
  }

  puts(count: number): void {
    for (let done = 0; done < count; done += entriesPerTurn) {
      this.#apply(Math.min(entriesPerTurn, count - done), () => this.#next());
    }
  }

  gets(count: number): void {
    for (let done = 0; done < count; done++) this.machine.get([keyOf(this.#next())]);
  }

  #apply(count: number, keyNumberOf: (position: number) => number): void {
    const proposals = Array.from({ length: count }, (_, position) => {
      const key = keyOf(keyNumberOf(position));
      this.#value.writeUInt32LE(this.#next());
      const command = { type: 'put', key, value: this.#value, ttlMs: 0 } as const;
      return { kind: entryKinds.command, payload: encodeWriteCommand(command) };
    });
    const { machine } = this;
    machine.apply(encodeEntries(proposals, machine.appliedIndex + 1, 1, machine.appliedIndex));
  }

  #next(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#random % this.#keyCount;
  }
}

function keyOf(number: number): Buffer {
  return Buffer.from(`key-${String(number).padStart(12, '0')}`, 'latin1');
}

/** Of this process, other threads included; making the commands counts too. */
function perOperation(work: () => void, count: number): string {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / count).toFixed(2);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function reportMemory(name: string, bytes: number, rawBytes: number): void {
  report(name, `${megabytes(bytes)}, ${(bytes / rawBytes).toFixed(2)} x the values`);
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / bytesPerMegabyte)} MB`;
}

function report(name: string, value: string): void {
  process.stdout.write(`${name.padEnd(38)} ${value}\n`);
}
