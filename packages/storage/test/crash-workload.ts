import { crc32 } from 'node:zlib';
import type { Entry, LogIndex, Term } from '@d-engine/base';
import { encodeEntries, entryKinds, silentLogger } from '@d-engine/base';
import type { HardState, Persist } from '@d-engine/raft';
import type { Storage } from '../src/contracts.ts';
import { openStorage } from '../src/open-storage.ts';
import type { CrashDisk } from './crash-disk.ts';
import { testCompute } from './snapshot-fixtures.ts';

export const dataDirectory = '/srv/data';
const instance = (digit: string): string => digit.repeat(32);
export const clusterId: string = instance('c');

/** What was asked of the storage, and what it said was durable. */
export class Ledger {
  readonly writes: Persist[] = [];
  writesAcked = 0;
  readonly peerBoots: number[] = [];
  peerBootsAcked = 0;
  clusterAcked = false;
  clusterAsked = false;
  /** The boot counts of starts that came far enough to be seen. */
  bootCount = 0;
  instanceId: string | undefined;
}

let nextInstance = 0;

export async function openCrashStorage(disk: CrashDisk): Promise<Storage> {
  return openStorage({
    disk,
    compute: testCompute,
    directory: dataDirectory,
    nodeId: 1,
    newInstanceId: () => (++nextInstance).toString(16).padStart(32, '0'),
    logger: silentLogger,
    segmentBytes: 2048,
  });
}

/** Runs until the end or until the disk crashes. */
export class Workload {
  readonly #disk: CrashDisk;
  readonly #ledger: Ledger;
  #storage: Storage | undefined;
  #lastIndex: LogIndex = 0;
  #hardState: HardState = { term: 0, votedFor: null, stickinessMs: 0 };

  constructor(disk: CrashDisk, ledger: Ledger) {
    this.#disk = disk;
    this.#ledger = ledger;
  }

  async run(): Promise<void> {
    await this.#open();
    await this.#vote(1, 2);
    await Promise.all([this.#append([40]), this.#append([200, 10]), this.#append([900])]);
    await this.#peer(1);
    await this.#append([300, 300], { commitIndex: 3 });
    await Promise.all([this.#cluster(), this.#append([1500])]);
    await this.#storage?.idle();
    await Promise.all([this.#vote(2, 3), this.#peer(2), this.#append([100, 100, 100])]);
    // Back over two segments, and at once further on.
    await this.#append([50, 60], { truncateFrom: 5, commitIndex: 4 });
    await Promise.all([this.#append([700]), this.#append([20], { truncateFrom: 7 })]);
    await this.#append([], { truncateFrom: 6 });
    await this.#reopen();
    await Promise.all([this.#vote(3, 1), this.#append([500, 500]), this.#append([1600, 10])]);
    await this.#append([1700, 1700, 1700], { commitIndex: 8 });
    await Promise.all([this.#vote(4, 1), this.#append([], { commitIndex: 9 })]);
    await this.#storage?.idle();
    await this.#append([this.#logImage()], { truncateFrom: 11 });
    await this.#reopen();
    await this.#append([30]);
    await this.#storage?.close();
  }

  async #open(): Promise<void> {
    const ledger = this.#ledger;
    const storage = await openCrashStorage(this.#disk);
    if (storage.identity.bootCount <= ledger.bootCount) throw new Error('the boot count repeats');
    ledger.bootCount = storage.identity.bootCount;
    ledger.instanceId ??= storage.identity.instanceId;
    if (storage.identity.instanceId !== ledger.instanceId) throw new Error('another instance');
    this.#storage = storage;
  }

  async #reopen(): Promise<void> {
    await this.#storage?.close();
    await this.#open();
  }

  #vote(term: number, candidate: number): Promise<void> {
    const votedFor = { nodeId: candidate, instanceId: instance(String(candidate)) };
    this.#hardState = { term, votedFor, stickinessMs: 100 * term };
    return this.#write([], undefined, 0, this.#hardState);
  }

  #append(
    sizes: readonly (number | Uint8Array)[],
    options: { truncateFrom?: LogIndex; commitIndex?: LogIndex } = {},
  ): Promise<void> {
    const { truncateFrom, commitIndex = 0 } = options;
    if (truncateFrom !== undefined) this.#lastIndex = truncateFrom - 1;
    const first = this.#lastIndex + 1;
    this.#lastIndex += sizes.length;
    const entries = makeCrashEntries(first, this.#hardState.term, sizes);
    return this.#write(entries, truncateFrom, commitIndex, undefined);
  }

  async #write(
    entries: Entry[],
    truncateFrom: LogIndex | undefined,
    commitIndex: LogIndex,
    hardState: HardState | undefined,
  ): Promise<void> {
    const ledger = this.#ledger;
    const writeId = ledger.writes.length + 1;
    const persist: Persist = {
      writeId,
      hardState,
      reset: undefined,
      truncateFrom,
      entries,
      commitIndex,
    };
    ledger.writes.push(persist);
    await this.#storage?.write(persist);
    if (ledger.writesAcked !== writeId - 1) throw new Error('writes resolved out of order');
    ledger.writesAcked = writeId;
  }

  async #peer(bootCount: number): Promise<void> {
    const ledger = this.#ledger;
    ledger.peerBoots.push(bootCount);
    await this.#storage?.recordPeer(2, instance('2'), bootCount);
    ledger.peerBootsAcked = ledger.peerBoots.length;
  }

  async #cluster(): Promise<void> {
    this.#ledger.clusterAsked = true;
    await this.#storage?.recordCluster(clusterId, 12345);
    this.#ledger.clusterAcked = true;
  }

  /** A payload that looks like records: a real piece of the log, its checksums and all. */
  #logImage(): Uint8Array {
    const name = `${dataDirectory}/log/${'1'.padStart(20, '0')}.segment`;
    return this.#disk.peek(name).subarray(64, 64 + 1600);
  }
}

export function makeCrashEntries(
  first: LogIndex,
  term: Term,
  payloads: readonly (number | Uint8Array)[],
): Entry[] {
  const proposals = payloads.map((payload, position) => ({
    kind: entryKinds.command,
    payload: typeof payload === 'number' ? Buffer.alloc(payload, `${first + position} `) : payload,
  }));
  return encodeEntries(proposals, first, term, 1000 * term);
}

/** Every log that may be found: what was acknowledged, and perhaps a start of what was not. */
function possibleLogs(ledger: Ledger): Set<string> {
  const possible = new Set<string>();
  let log: readonly Entry[] = [];
  for (const [position, { truncateFrom, entries }] of ledger.writes.entries()) {
    const isAcked = position < ledger.writesAcked;
    if (!isAcked) possible.add(keyOf(log));
    const kept = truncateFrom === undefined ? log : log.slice(0, truncateFrom - 1);
    for (let count = 0; !isAcked && count < entries.length; count++) {
      if (count > 0 || truncateFrom !== undefined) {
        possible.add(keyOf([...kept, ...entries.slice(0, count)]));
      }
    }
    log = [...kept, ...entries];
  }
  possible.add(keyOf(log));
  return possible;
}

export function keyOf(entries: readonly Entry[]): string {
  return entries
    .map(({ index, term, encoded }) => `${index}@${term} ${encoded.length} ${crc32(encoded)}`)
    .join('\n');
}

/** What may be found after a crash. */
export interface Expectation {
  readonly ledger: Ledger;
  readonly logs: ReadonlySet<string>;
  readonly hardStates: readonly (HardState | undefined)[];
}

export function expectationOf(ledger: Ledger): Expectation {
  return { ledger, logs: possibleLogs(ledger), hardStates: possibleHardStates(ledger) };
}

/** Every hard state that may be found, before a term of the log raises it. */
function possibleHardStates(ledger: Ledger): (HardState | undefined)[] {
  const possible: (HardState | undefined)[] = [];
  let state: HardState | undefined;
  for (const [position, { hardState }] of ledger.writes.entries()) {
    if (position >= ledger.writesAcked) possible.push(state);
    state = hardState ?? state;
  }
  return [...possible, state];
}
