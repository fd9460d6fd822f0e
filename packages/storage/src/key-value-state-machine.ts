import type {
  DiskError,
  Entry,
  HistoryId,
  KeyValue,
  LogIndex,
  Revision,
  Term,
  WriteCommand,
} from '@d-engine/base';
import {
  assert,
  decodeWriteCommand,
  entryKinds,
  entryPayload,
  MalformedMessage,
  unreachable,
} from '@d-engine/base';
import type {
  AppliedBatch,
  CommandResult,
  EntryObserver,
  OpenStateMachine,
  StateEvent,
  StateMachine,
  StateView,
} from './contracts.ts';
import type {
  ClusterTimeSection,
  DataSection,
  HistorySection,
  SnapshotHeader,
  SnapshotSections,
  StateSection,
} from './snapshot-format.ts';
import { snapshotSectionKinds } from './snapshot-format.ts';
import type { BackendView, KeyValueBackend, RecordMeta } from './state/backend.ts';
import { MalformedRun, readRun } from './state/data-run.ts';
import { KeyValueStore } from './state/key-value-store.ts';
import { compareBytes } from './state/slot-tree.ts';
import type { StateMark } from './state/state-mark.ts';
import type { HashedMeta } from './state-hash.ts';
import { StateHash } from './state-hash.ts';
import { StorageDamage } from './storage-errors.ts';

/** What a new history adds to the base of its revisions: far more than any log has entries. */
const revisionsPerHistory = 1_000_000_000;

export interface KeyValueStateMachineOptions {
  /** Which history begins with a bootstrap or new-history entry. */
  readonly readHistoryId: (entry: Entry) => HistoryId;
  /** Whether {@link AppliedBatch.events} are produced; off unless somebody watches. */
  readonly collectEvents?: boolean | undefined;
  /** Called after each entry, within its batch too: for checks that compare states. */
  readonly onEntryApplied?: EntryObserver | undefined;
  /** Keeps the records; in memory unless given. Belongs to the machine from here on. */
  readonly backend?: KeyValueBackend | undefined;
}

/** What a key costs besides its own bytes: table slot, objects, buffer headers. Measured. */
const keyOverheadBytes = 320;

/** By how much an encoded command can make `stateBytes` larger: when it makes a new key. */
export function stateGrowthMax(command: Uint8Array): number {
  return command.length + keyOverheadBytes;
}

const noEvents: readonly StateEvent[] = [];

/** The key-value store: what commands mean, whatever backend keeps the records. */
export class KeyValueStateMachine implements StateMachine {
  readonly #readHistoryId: (entry: Entry) => HistoryId;
  readonly #collectEvents: boolean;
  readonly #onEntryApplied: EntryObserver | undefined;
  #store: KeyValueBackend;
  #hash: StateHash;
  /** What is written beside the next key and value; one object for all. */
  readonly #meta = newMeta();
  #appliedIndex: LogIndex = 0;
  #appliedTerm: Term = 0;
  /** Invariant: only grows. */
  #revisionBase: Revision = 0;
  #historyId: HistoryId | null = null;
  /** Invariant: never decreases (design rule 7). */
  #clusterTimeMs = 0;
  /** Invariant: the sum of key, value and overhead bytes of all keys. */
  #stateBytes = 0;
  #events: StateEvent[] = [];

  constructor(options: KeyValueStateMachineOptions) {
    this.#readHistoryId = options.readHistoryId;
    this.#collectEvents = options.collectEvents ?? false;
    this.#onEntryApplied = options.onEntryApplied;
    this.#store = options.backend ?? new KeyValueStore();
    this.#hash = new StateHash();
    const mark = this.#store.durability?.mark;
    if (mark !== undefined) this.#goOnFrom(mark);
  }

  get appliedIndex(): LogIndex {
    return this.#appliedIndex;
  }

  get appliedTerm(): Term {
    return this.#appliedTerm;
  }

  get durableIndex(): LogIndex {
    return this.#store.durability?.durableIndex ?? 0;
  }

  get pendingBytes(): number {
    return this.#store.durability?.pendingBytes ?? 0;
  }

  get spaceProblem(): DiskError | undefined {
    return this.#store.durability?.spaceProblem;
  }

  get revisionBase(): Revision {
    return this.#revisionBase;
  }

  get revision(): Revision {
    return this.#appliedIndex + this.#revisionBase;
  }

  get historyId(): HistoryId | null {
    return this.#historyId;
  }

  get clusterTimeMs(): number {
    return this.#clusterTimeMs;
  }

  get stateBytes(): number {
    return this.#stateBytes;
  }

  get keyCount(): number {
    return this.#store.keyCount;
  }

  apply(entries: readonly Entry[]): AppliedBatch {
    const results: (CommandResult | undefined)[] = [];
    for (const entry of entries) {
      results.push(this.#applyEntry(entry));
      this.#onEntryApplied?.(this);
    }
    if (!this.#collectEvents) return { results, events: noEvents };
    const events = this.#events;
    this.#events = [];
    return { results, events };
  }

  get(keys: readonly Uint8Array[]): (KeyValue | null)[] {
    return keys.map((key) => this.#store.read(key));
  }

  stateHash(): string {
    const { keyCount } = this.#store;
    const rest = [this.#appliedIndex, this.#revisionBase, this.#clusterTimeMs, keyCount];
    return this.#hash.digest(rest, this.#historyId ?? '');
  }

  logDurable(index: LogIndex): void {
    this.#store.durability?.logDurable(index, this.#describe);
  }

  async clear(): Promise<void> {
    const empty = this.#successor();
    await empty.#store.durability?.prepare();
    await empty.#store.durability?.replace(empty.#describe());
    this.#become(empty);
  }

  async close(): Promise<void> {
    await this.#store.durability?.close();
  }

  view(): StateView {
    const history: HistorySection = {
      kind: snapshotSectionKinds.history,
      historyId: this.#historyId,
      revisionBase: this.#revisionBase,
      stateHash: this.stateHash(),
    };
    const clusterTime: ClusterTimeSection = {
      kind: snapshotSectionKinds.clusterTime,
      clusterTimeMs: this.#clusterTimeMs,
    };
    const keys = this.#store.view();
    return {
      appliedIndex: this.#appliedIndex,
      sections: () => sectionsOf([history, clusterTime], keys),
      release: () => keys.release(),
    };
  }

  async load(header: SnapshotHeader, sections: SnapshotSections): Promise<void> {
    assert(
      header.index >= this.#appliedIndex,
      () => `loading a snapshot at ${header.index} over a state at ${this.#appliedIndex}`,
    );
    const loaded = this.#successor();
    const { durability } = loaded.#store;
    await durability?.prepare();
    loaded.#appliedIndex = header.index;
    loaded.#appliedTerm = header.term;
    let stateHash = '';
    let lastKey: Uint8Array | undefined;
    for await (const section of sections) {
      if (section.kind === snapshotSectionKinds.history) {
        loaded.#historyId = section.historyId;
        loaded.#revisionBase = section.revisionBase;
        stateHash = section.stateHash;
      } else if (section.kind === snapshotSectionKinds.clusterTime) {
        loaded.#clusterTimeMs = section.clusterTimeMs;
      } else if (section.kind === snapshotSectionKinds.data) {
        lastKey = loaded.#loadRun(header, section, lastKey);
        await durability?.settle();
      }
    }
    if (loaded.stateHash() !== stateHash) throw damaged(header, 'its state has another hash');
    await durability?.replace(loaded.#describe());
    this.#become(loaded);
  }

  #successor(): KeyValueStateMachine {
    const backend = this.#store.successor();
    return new KeyValueStateMachine({ readHistoryId: this.#readHistoryId, backend });
  }

  readonly #describe = (): StateMark => ({
    appliedIndex: this.#appliedIndex,
    appliedTerm: this.#appliedTerm,
    revisionBase: this.#revisionBase,
    historyId: this.#historyId,
    clusterTimeMs: this.#clusterTimeMs,
    stateBytes: this.#stateBytes,
    keyCount: this.#store.keyCount,
    ...this.#hash.lanes,
  });

  #goOnFrom(mark: StateMark): void {
    this.#hash = new StateHash(mark);
    this.#appliedIndex = mark.appliedIndex;
    this.#appliedTerm = mark.appliedTerm;
    this.#historyId = mark.historyId;
    this.#revisionBase = mark.revisionBase;
    this.#clusterTimeMs = mark.clusterTimeMs;
    this.#stateBytes = mark.stateBytes;
  }

  /** Takes what another one has become; that one is not used any more. */
  #become(loaded: KeyValueStateMachine): void {
    this.#store = loaded.#store;
    this.#hash = loaded.#hash;
    this.#appliedIndex = loaded.#appliedIndex;
    this.#appliedTerm = loaded.#appliedTerm;
    this.#historyId = loaded.#historyId;
    this.#revisionBase = loaded.#revisionBase;
    this.#clusterTimeMs = loaded.#clusterTimeMs;
    this.#stateBytes = loaded.#stateBytes;
  }

  /** Returns the last key. */
  #loadRun(
    header: SnapshotHeader,
    section: DataSection,
    keyBefore: Uint8Array | undefined,
  ): Uint8Array | undefined {
    let lastKey = keyBefore;
    let keyCount = 0;
    try {
      for (const { key, value, createRevision, modRevision, version } of readRun(section.run)) {
        if (lastKey !== undefined && compareBytes(key, lastKey) <= 0) {
          throw damaged(header, 'its keys do not rise');
        }
        this.#store.find(key);
        this.#write(key, value, { createRevision, modRevision, version });
        lastKey = key;
        keyCount += 1;
      }
    } catch (error) {
      if (error instanceof MalformedRun) throw damaged(header, error.message);
      throw error;
    }
    if (keyCount !== section.keyCount) throw damaged(header, 'a run counts other keys');
    return lastKey;
  }

  #applyEntry(entry: Entry): CommandResult | undefined {
    assert(
      entry.index === this.#appliedIndex + 1,
      () => `applying entry ${entry.index} after ${this.#appliedIndex}`,
    );
    assert(
      entry.clusterTimeMs >= this.#clusterTimeMs,
      () => `cluster time goes back to ${entry.clusterTimeMs} at entry ${entry.index}`,
    );
    this.#appliedIndex = entry.index;
    this.#clusterTimeMs = entry.clusterTimeMs;
    this.#appliedTerm = entry.term;
    switch (entry.kind) {
      case entryKinds.command:
        return this.#applyCommand(entryPayload(entry));
      case entryKinds.bootstrap:
        assert(this.#historyId === null, () => `a second bootstrap entry at ${entry.index}`);
        this.#historyId = this.#readHistoryId(entry);
        return undefined;
      case entryKinds.newHistory:
        // No revision of a history that was given up is ever issued again.
        this.#revisionBase += revisionsPerHistory;
        this.#historyId = this.#readHistoryId(entry);
        return undefined;
      case entryKinds.noop:
      case entryKinds.binding:
      case entryKinds.time:
      case entryKinds.verify:
        return undefined;
      default:
        return unreachable(entry.kind, 'entry kind');
    }
  }

  #applyCommand(payload: Uint8Array): CommandResult {
    const command = decodeOrReason(payload);
    if (typeof command === 'string') return this.#invalidRequest(command);
    if ('ttlMs' in command && command.ttlMs > 0) {
      return this.#invalidRequest('TTL is not supported yet');
    }
    switch (command.type) {
      case 'put':
        this.#put(command.key, command.value);
        return { type: 'put', revision: this.revision };
      case 'delete': {
        const deleted = this.#delete(command.key);
        return { type: 'delete', revision: this.revision, deleted };
      }
      case 'compareAndSwap':
        return this.#compareAndSwap(command.key, command.expected, command.value);
      default:
        return this.#invalidRequest(`${command.type} is not supported yet`);
    }
  }

  #invalidRequest(message: string): CommandResult {
    return { type: 'invalidRequest', revision: this.revision, message };
  }

  #compareAndSwap(
    key: Uint8Array,
    expected: Uint8Array | null,
    value: Uint8Array | null,
  ): CommandResult {
    const store = this.#store;
    const isThere = store.find(key);
    const matches = expected === null ? !isThere : isThere && store.valueIs(expected);
    const revision = this.revision;
    if (!matches) {
      const current = isThere ? store.copyValue() : null;
      return { type: 'compareAndSwap', revision, succeeded: false, current };
    }
    if (value === null) this.#delete(key);
    else this.#put(key, value);
    return { type: 'compareAndSwap', revision, succeeded: true, current: null };
  }

  #put(key: Uint8Array, value: Uint8Array): void {
    const store = this.#store;
    const modRevision = this.revision;
    const isThere = store.find(key);
    const createRevision = isThere ? store.createRevision : modRevision;
    const version = isThere ? store.version + 1 : 1;
    if (this.#collectEvents) {
      this.#collect('put', key, ownCopy(value), isThere ? store.copyValue() : null);
    }
    this.#write(key, value, { createRevision, modRevision, version }, isThere);
  }

  /** Over the record that `find` selected, if `isThere`. */
  #write(
    key: Uint8Array,
    value: Uint8Array,
    { createRevision, modRevision, version }: WrittenMeta,
    isThere = false,
  ): void {
    const store = this.#store;
    const meta = this.#meta;
    meta.createRevision = createRevision;
    meta.modRevision = modRevision;
    meta.version = version;
    if (isThere) {
      this.#hash.remove(store);
      this.#stateBytes -= store.valueLength;
      this.#hash.add(meta, key, value, meta);
      store.update(key, value, meta);
    } else {
      this.#stateBytes += key.length + keyOverheadBytes;
      this.#hash.add(meta, key, value, meta);
      store.insert(key, value, meta);
    }
    this.#stateBytes += value.length;
  }

  #delete(key: Uint8Array): boolean {
    const store = this.#store;
    if (!store.find(key)) return false;
    this.#stateBytes -= key.length + keyOverheadBytes + store.valueLength;
    assert(this.#stateBytes >= 0, 'the state holds less than nothing');
    this.#hash.remove(store);
    if (this.#collectEvents) this.#collect('delete', key, null, store.copyValue());
    store.remove(key);
    return true;
  }

  #collect(
    type: 'put' | 'delete',
    key: Uint8Array,
    value: Uint8Array | null,
    previous: Uint8Array | null,
  ): void {
    this.#events.push({ revision: this.revision, type, key: ownCopy(key), value, previous });
  }
}

/** The state machine of a member that has no other: everything in memory. */
export const openMemoryStateMachine: OpenStateMachine = ({ readHistoryId, onEntryApplied }) =>
  Promise.resolve(new KeyValueStateMachine({ readHistoryId, onEntryApplied, collectEvents: true }));

type WrittenMeta = Pick<RecordMeta, 'createRevision' | 'modRevision' | 'version'>;

function newMeta(): { -readonly [name in keyof (RecordMeta & HashedMeta)]: number } {
  const lanes = { hashLow: 0, hashHigh: 0 };
  return { ...lanes, createRevision: 0, modRevision: 0, version: 0, expiresAt: 0, lease: 0 };
}

function* sectionsOf(first: readonly StateSection[], keys: BackendView): Generator<StateSection> {
  yield* first;
  for (const { keyCount, bytes } of keys.runs()) {
    yield { kind: snapshotSectionKinds.data, keyCount, run: bytes };
  }
}

function damaged(header: SnapshotHeader, reason: string): StorageDamage {
  const file = `the snapshot of entry ${header.index}`;
  return new StorageDamage({ file, offset: 0, reason });
}

function ownCopy(bytes: Uint8Array): Uint8Array {
  return Buffer.from(bytes);
}

/** The command, or why the bytes are none: no client's bytes may stop a node. */
function decodeOrReason(payload: Uint8Array): WriteCommand | string {
  try {
    return decodeWriteCommand(payload);
  } catch (error) {
    if (error instanceof MalformedMessage) return `not a write command: ${error.message}`;
    throw error;
  }
}
