import type { InstanceId, LeaseId, LogIndex, Revision } from '@d-engine/base';
import { assert, DiskError, limits } from '@d-engine/base';
import type {
  BackendDurability,
  BackendView,
  KeyValueBackend,
  RecordMeta,
  StoredKeyValue,
} from '../state/backend.ts';
import type { StateMark } from '../state/state-mark.ts';
import {
  behind,
  diskKey,
  diskTags,
  endOfKeys,
  generationAfter,
  markKey,
  userKey,
} from './disk-keys.ts';
import { encodeMark } from './disk-mark.ts';
import { DiskView } from './disk-view.ts';
import type { MergedEntry } from './merged-walk.ts';
import { mergedWalk } from './merged-walk.ts';
import type { StoreChange } from './ordered-store.ts';
import type { PendingChange } from './overlay.ts';
import { Overlay } from './overlay.ts';
import type { StoreAccess } from './store-access.ts';
import type { StoredRecord } from './stored-record.ts';
import {
  damagedRecord,
  decodeOwnRecord,
  decodeRecord,
  encodeRecord,
  withChecksum,
  withoutChecksum,
} from './stored-record.ts';

const noBytes: Uint8Array = new Uint8Array(0);

export interface DiskBackendOptions {
  readonly access: StoreAccess;
  readonly owner: InstanceId;
  /** More of the state is durable: there may be room again. */
  readonly onDurable: () => void;
  /** The store failed for good. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Records in an ordered store, with what is not written yet in memory above it. What is written is
 * the state as of an entry that the log holds durably (design rule 10).
 */
export class DiskBackend implements KeyValueBackend, BackendDurability {
  readonly #options: DiskBackendOptions;
  readonly #access: StoreAccess;
  readonly #generation: number;
  readonly #overlay = new Overlay();
  readonly mark: StateMark | undefined;
  #keyCount: number;
  #durableIndex: LogIndex;
  #sealedIndex: LogIndex;
  #logDurableIndex: LogIndex = 0;
  #spaceProblem: DiskError | undefined;
  #before: DiskBackend | undefined;
  #state: 'open' | 'filling' | 'retired' | 'failed';
  /** Settles, never with an error, when the write that is under way has ended. */
  #writing: Promise<void> | undefined;
  #selected: StoredRecord | undefined;

  /** Of the state that `mark` tells of; or an empty one, to be served or to succeed `before`. */
  constructor(
    options: DiskBackendOptions,
    generation: number,
    mark: StateMark | undefined,
    before?: DiskBackend,
  ) {
    this.#options = options;
    this.#access = options.access;
    this.#generation = generation;
    this.mark = mark;
    this.#before = before;
    this.#state = before === undefined ? 'open' : 'filling';
    this.#keyCount = mark?.keyCount ?? 0;
    this.#durableIndex = mark?.appliedIndex ?? 0;
    this.#sealedIndex = this.#durableIndex;
  }

  get durability(): this {
    return this;
  }

  get keyCount(): number {
    return this.#keyCount;
  }

  get durableIndex(): LogIndex {
    return this.#durableIndex;
  }

  get pendingBytes(): number {
    return this.#overlay.bytes;
  }

  get spaceProblem(): DiskError | undefined {
    return this.#spaceProblem;
  }

  find(key: Uint8Array): boolean {
    this.#selected = undefined;
    const pending = this.#overlay.find(key);
    if (pending !== undefined) {
      if (pending.stored === null) return false;
      this.#selected = decodeOwnRecord(pending.stored);
      return true;
    }
    const stored = this.#access.store.get(diskKey(this.#generation, key));
    if (stored === undefined) return false;
    this.#selected = this.#decode(stored);
    return true;
  }

  read(key: Uint8Array): StoredKeyValue | null {
    if (!this.find(key)) return null;
    const { hashLow, hashHigh, expiresAt, lease, ...record } = this.#record();
    const found = { ...record, key, value: this.copyValue() };
    if (expiresAt === 0 && lease === 0) return found;
    return {
      ...found,
      expiresAt: expiresAt === 0 ? undefined : expiresAt,
      lease: lease === 0 ? undefined : lease,
    };
  }

  get createRevision(): Revision {
    return this.#record().createRevision;
  }

  get version(): number {
    return this.#record().version;
  }

  get expiresAt(): number {
    return this.#record().expiresAt;
  }

  get lease(): LeaseId {
    return this.#record().lease;
  }

  get hashLow(): number {
    return this.#record().hashLow;
  }

  get hashHigh(): number {
    return this.#record().hashHigh;
  }

  get valueLength(): number {
    return this.#record().value.length;
  }

  copyValue(): Buffer {
    return Buffer.from(this.#record().value);
  }

  valueIs(expected: Uint8Array): boolean {
    return Buffer.compare(this.#record().value, expected) === 0;
  }

  insert(key: Uint8Array, value: Uint8Array, meta: RecordMeta): void {
    this.#set(key, encodeRecord(key, value, meta));
    if (hasLifetime(meta)) this.#setLifetime(key, noBytes);
    this.#keyCount += 1;
  }

  update(key: Uint8Array, value: Uint8Array, meta: RecordMeta): void {
    const had = hasLifetime(this.#record());
    this.#set(key, encodeRecord(key, value, meta));
    const has = hasLifetime(meta);
    if (had !== has) this.#setLifetime(key, has ? noBytes : null);
  }

  remove(key: Uint8Array): void {
    const had = hasLifetime(this.#record());
    this.#set(key, null);
    if (had) this.#setLifetime(key, null);
    this.#keyCount -= 1;
  }

  setRecord(name: Uint8Array, bytes: Uint8Array | null): void {
    const key = diskKey(this.#generation, name, diskTags.record);
    this.#overlay.addOther({ key, value: bytes === null ? null : withChecksum(bytes) });
  }

  *records(prefix: Uint8Array): Generator<{ name: Uint8Array; bytes: Uint8Array }> {
    const from = diskKey(this.#generation, prefix, diskTags.record);
    const below = diskKey(this.#generation, behind(prefix), diskTags.record);
    for (const { key, value } of this.#access.store.walk({ from, below })) {
      const bytes = withoutChecksum(value);
      if (bytes === undefined) throw this.#damaged('a record of a table is not what was written');
      yield { name: Buffer.from(userKey(key)), bytes };
    }
  }

  *keysWithLifetime(): Generator<Uint8Array> {
    const from = diskKey(this.#generation, noBytes, diskTags.lifetime);
    const below = endOfKeys(this.#generation, diskTags.lifetime);
    const keys = Array.from(this.#access.store.walk({ from, below }), ({ key }) => {
      return Buffer.from(userKey(key));
    });
    for (const key of keys) {
      const isThere = this.find(key) && hasLifetime(this.#record());
      if (!isThere) throw this.#damaged('a key that should have a lifetime has none');
      yield key;
    }
  }

  *ascending(from: Uint8Array): Generator<Uint8Array> {
    const range = { from: diskKey(this.#generation, from), below: endOfKeys(this.#generation) };
    const disk = this.#access.store.walk(range);
    yield* this.#selectEach(mergedWalk(this.#overlay.ascending(from), disk, 1));
  }

  *descending(before: Uint8Array | null): Generator<Uint8Array> {
    const below = before === null ? endOfKeys(this.#generation) : diskKey(this.#generation, before);
    const range = { from: diskKey(this.#generation, noBytes), below, isFalling: true };
    const disk = this.#access.store.walk(range);
    yield* this.#selectEach(mergedWalk(this.#overlay.descending(before), disk, -1));
  }

  view(): BackendView {
    const pending = this.#overlay.ascending(noBytes);
    return new DiskView(this.#access.store, this.#generation, pending);
  }

  logDurable(index: LogIndex, describe: () => StateMark): void {
    if (this.#state !== 'open') return;
    this.#logDurableIndex = Math.max(this.#logDurableIndex, index);
    const mark = describe();
    if (mark.appliedIndex > this.#sealedIndex) {
      this.#sealedIndex = mark.appliedIndex;
      this.#overlay.seal(mark);
    }
    this.#writeNext();
  }

  successor(): DiskBackend {
    const generation = generationAfter(this.#generation);
    return new DiskBackend(this.#options, generation, undefined, this);
  }

  async prepare(): Promise<void> {
    // An earlier attempt may have left something.
    await this.#access.clean(this.#succeeded().#generation);
  }

  async settle(): Promise<void> {
    if (this.#overlay.bytes >= limits.stateWriteBytesMax) await this.#writeOpen();
  }

  async replace(mark: StateMark): Promise<void> {
    const before = this.#succeeded();
    await this.#writeOpen();
    await before.#retire();
    await this.#access.write([this.#markToWrite(mark)]);
    this.#before = undefined;
    this.#sealedIndex = mark.appliedIndex;
    this.#durableIndex = mark.appliedIndex;
    this.#state = 'open';
    this.#access.clean(this.#generation).catch((error: unknown) => this.#fail(error));
  }

  async close(): Promise<void> {
    await this.#retire();
    await this.#access.close();
  }

  async #retire(): Promise<void> {
    this.#state = 'retired';
    await this.#writing;
  }

  #succeeded(): DiskBackend {
    assert(this.#before !== undefined, 'a state that is served succeeds none');
    return this.#before;
  }

  async #writeOpen(): Promise<void> {
    const taken = this.#overlay.takeOpen();
    const changes = Array.from(taken.changes.values(), (change) => this.#toWrite(change));
    await this.#access.write([...changes, ...taken.others]);
    this.#overlay.forgetTaken(taken);
  }

  /** What the log holds by now, in one write; the next one follows when it is done. */
  #writeNext(): void {
    if (this.#writing !== undefined || this.#state !== 'open') return;
    const layers = this.#overlay.sealedUpTo(this.#logDurableIndex, limits.stateWriteBytesMax);
    const last = layers.at(-1);
    if (last === undefined) return;
    const newest = new Map<string, PendingChange>();
    for (const { changes } of layers) {
      for (const [name, change] of changes) newest.set(name, change);
    }
    const changes = Array.from(newest.values(), (change) => this.#toWrite(change));
    for (const { others } of layers) changes.push(...others);
    changes.push(this.#markToWrite(last.mark));
    this.#writing = this.#access.write(changes).then(
      () => {
        this.#writing = undefined;
        this.#spaceProblem = undefined;
        this.#overlay.forget(layers.length);
        this.#durableIndex = last.mark.appliedIndex;
        this.#options.onDurable();
        this.#writeNext();
      },
      (error: unknown) => {
        this.#writing = undefined;
        // What had no room is tried again when the log has news.
        if (error instanceof DiskError && error.kind === 'full') this.#spaceProblem = error;
        else this.#fail(error);
      },
    );
  }

  #fail(error: unknown): void {
    this.#state = 'failed';
    this.#options.onFailure(error);
  }

  #set(key: Uint8Array, stored: Buffer | null): void {
    this.#overlay.set(key, stored);
    this.#selected = undefined;
  }

  #setLifetime(key: Uint8Array, value: Uint8Array | null): void {
    this.#overlay.addOther({ key: diskKey(this.#generation, key, diskTags.lifetime), value });
  }

  #toWrite({ key, stored }: PendingChange): StoreChange {
    return { key: diskKey(this.#generation, key), value: stored };
  }

  #markToWrite(state: StateMark): StoreChange {
    const mark = { owner: this.#options.owner, generation: this.#generation, state };
    return { key: markKey, value: encodeMark(mark) };
  }

  *#selectEach(entries: Iterable<MergedEntry>): Generator<Uint8Array> {
    for (const { key, stored, isPending } of entries) {
      const own = Buffer.from(key);
      this.#selected = isPending ? decodeOwnRecord(stored) : this.#decode(stored);
      yield own;
    }
  }

  #decode(stored: Uint8Array): StoredRecord {
    const record = decodeRecord(stored);
    if (typeof record !== 'string') return record;
    throw this.#damaged(record);
  }

  #damaged(reason: string): Error {
    return damagedRecord(this.#access.store.directory, reason);
  }

  #record(): StoredRecord {
    assert(this.#selected !== undefined, 'no record is selected');
    return this.#selected;
  }
}

function hasLifetime({ expiresAt, lease }: Pick<RecordMeta, 'expiresAt' | 'lease'>): boolean {
  return expiresAt !== 0 || lease !== 0;
}
