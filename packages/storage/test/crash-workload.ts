import { crc32 } from 'node:zlib';
import type { Entry, LogIndex, Term } from '@d-engine/base';
import { encodeEntries, entryKinds } from '@d-engine/base';
import type { HardState } from '@d-engine/raft';
import type { Storage } from '../src/contracts.ts';
import type { EntryId } from '../src/entry-id.ts';
import type { StorageWrite } from '../src/index.ts';
import type { CrashDisk } from './crash-disk.ts';
import { foreignSnapshot } from './foreign-snapshot.ts';
import { snapshotHeader, snapshotSections } from './snapshot-fixtures.ts';
import { dataDirectory, openTestStorage, writeOf } from './storage-fixtures.ts';

const instance = (digit: string): string => digit.repeat(32);
export const clusterId: string = instance('c');

/** What was asked of the storage, and what it said was durable. */
export class Ledger {
  readonly writes: StorageWrite[] = [];
  writesAcked = 0;
  readonly peerBoots: number[] = [];
  peerBootsAcked = 0;
  clusterAcked = false;
  clusterAsked = false;
  /** In the order in which they were asked for. */
  readonly snapshots: AskedSnapshot[] = [];
  snapshotsAcked = 0;
  /** The largest one asked for. */
  purgedIndex: LogIndex = 0;
  /** The boot counts of starts that came far enough to be seen. */
  bootCount = 0;
  instanceId: string | undefined;
}

interface AskedSnapshot extends EntryId {
  /** It came from another member, and takes the place of the log. */
  readonly isInstalled: boolean;
}

let nextInstance = 0;

export function openCrashStorage(disk: CrashDisk): Promise<Storage> {
  return openTestStorage(disk, {
    newInstanceId: () => (++nextInstance).toString(16).padStart(32, '0'),
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
    await this.#snapshot(6);
    await Promise.all([this.#purge(4), this.#append([400, 20])]);
    await this.#reopen();
    await Promise.all([this.#append([900, 900], { commitIndex: 11 }), this.#snapshot(11)]);
    await Promise.all([this.#purge(11), this.#vote(5, 1), this.#append([1500, 30])]);
    await this.#vote(6, 1);
    // What this member never heard of, and in the end what another leader replaced.
    await this.#install({ index: 40, term: 6 });
    await this.#append([100, 1400]);
    await this.#append([1300, 60], { truncateFrom: 42, commitIndex: 41 });
    await this.#reopen();
    await this.#vote(7, 1);
    await this.#install({ index: 42, term: 7 });
    await Promise.all([this.#append([10]), this.#snapshot(42), this.#purge(42)]);
    await this.#append([1800], { commitIndex: 43 });
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
    return this.#write({ hardState: this.#hardState });
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
    return this.#write({ entries, truncateFrom, commitIndex });
  }

  async #write(parts: Partial<StorageWrite>): Promise<void> {
    const ledger = this.#ledger;
    const writeId = ledger.writes.length + 1;
    const persist = writeOf({ ...parts, writeId });
    ledger.writes.push(persist);
    await this.#storage?.write(persist);
    if (ledger.writesAcked !== writeId - 1) throw new Error('writes resolved out of order');
    ledger.writesAcked = writeId;
  }

  async #snapshot(index: LogIndex): Promise<void> {
    const snapshots = this.#storage?.snapshots;
    const ledger = this.#ledger;
    const term = modelOf(ledger.writes).termAt(index);
    if ((snapshots?.latest?.header.index ?? 0) >= index) return;
    ledger.snapshots.push({ index, term, isInstalled: false });
    await snapshots?.write(snapshotHeader(index, term), snapshotSections(`as of ${index}`));
    ledger.snapshotsAcked = ledger.snapshots.length;
  }

  async #purge(upTo: LogIndex): Promise<void> {
    const ledger = this.#ledger;
    ledger.purgedIndex = Math.max(ledger.purgedIndex, upTo);
    await this.#storage?.purgeLog(upTo, modelOf(ledger.writes).termAt(upTo));
  }

  /** As a follower does: the file arrives and gets its name, then the log begins anew. */
  async #install(id: EntryId): Promise<void> {
    const ledger = this.#ledger;
    const { bytes, info } = await foreignSnapshot(id);
    const { header, lengthBytes, sha256 } = info;
    const receiver = await this.#storage?.snapshots.receive(header, lengthBytes, sha256);
    await receiver?.write(bytes.subarray(0, 700));
    await receiver?.write(bytes.subarray(700));
    ledger.snapshots.push({ ...id, isInstalled: true });
    await receiver?.finish();
    ledger.snapshotsAcked = ledger.snapshots.length;
    this.#lastIndex = id.index;
    await this.#write({ reset: id, commitIndex: id.index });
    await this.#storage?.snapshots.removeOlder(1);
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

/** A log, from what it once began with. */
export class ModelLog {
  readonly follows: EntryId;
  readonly entries: readonly Entry[];

  constructor(follows: EntryId, entries: readonly Entry[]) {
    this.follows = follows;
    this.entries = entries;
  }

  get lastIndex(): LogIndex {
    return this.follows.index + this.entries.length;
  }

  /** From the entry before the first one on. */
  termAt(index: LogIndex): Term {
    const { follows, entries } = this;
    return index === follows.index ? follows.term : (entries[index - follows.index - 1]?.term ?? 0);
  }

  /** What stands from `index` on. */
  from(index: LogIndex): readonly Entry[] {
    return this.entries.slice(index - this.follows.index - 1);
  }

  /** With a part of a write or all of it. */
  after({ reset, truncateFrom, entries }: StorageWrite, count: number = entries.length): ModelLog {
    const added = entries.slice(0, count);
    if (reset !== undefined) return new ModelLog(reset, added);
    const kept = (truncateFrom ?? this.lastIndex + 1) - this.follows.index - 1;
    return new ModelLog(this.follows, [...this.entries.slice(0, kept), ...added]);
  }
}

const emptyLog = new ModelLog({ index: 0, term: 0 }, []);

function modelOf(writes: readonly StorageWrite[]): ModelLog {
  return writes.reduce((log, write) => log.after(write), emptyLog);
}

/** Every log that may be found: what was acknowledged, and perhaps a start of what was not. */
function possibleLogs(ledger: Ledger): ModelLog[] {
  const possible: ModelLog[] = [];
  let log = modelOf(ledger.writes.slice(0, ledger.writesAcked));
  for (const write of ledger.writes.slice(ledger.writesAcked)) {
    possible.push(log);
    const { truncateFrom, reset, entries } = write;
    for (let count = 0; count < entries.length; count++) {
      if (count > 0 || truncateFrom !== undefined || reset !== undefined) {
        possible.push(log.after(write, count));
      }
    }
    log = log.after(write);
  }
  return [...possible, log];
}

export function keyOf(entries: readonly Entry[]): string {
  return entries
    .map(({ index, term, encoded }) => `${index}@${term} ${encoded.length} ${crc32(encoded)}`)
    .join('\n');
}

/** What may be found after a crash. */
export interface Expectation {
  readonly ledger: Ledger;
  readonly logs: readonly ModelLog[];
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
