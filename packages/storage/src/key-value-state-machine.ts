import type { Entry, HistoryId, KeyValue, LogIndex, Revision, WriteCommand } from '@d-engine/base';
import {
  assert,
  decodeWriteCommand,
  entryKinds,
  entryPayload,
  limits,
  MalformedMessage,
  unreachable,
} from '@d-engine/base';
import type {
  AppliedBatch,
  CommandResult,
  StateEvent,
  StateMachine,
  StateView,
} from './contracts.ts';
import type { SnapshotHeader, SnapshotSections, StateSection } from './snapshot-format.ts';
import { snapshotSectionKinds } from './snapshot-format.ts';
import type { RunRecord } from './state/data-run.ts';
import { readRun, runRecordBytes, writeRunRecord } from './state/data-run.ts';
import { StateHash } from './state-hash.ts';
import { StorageDamage } from './storage-errors.ts';
import { StoredValue, sameBytes } from './stored-value.ts';

/** Looks at a state in passing; it must not keep or change it. */
export type EntryObserver = (state: Pick<StateMachine, 'appliedIndex' | 'stateHash'>) => void;

export interface KeyValueStateMachineOptions {
  /** Reads the history id out of a bootstrap entry's payload. */
  readonly readHistoryId: (bootstrapPayload: Uint8Array) => HistoryId;
  /** Whether {@link AppliedBatch.events} are produced; off unless somebody watches. */
  readonly collectEvents?: boolean | undefined;
  /** Called after each entry, within its batch too: for checks that compare states. */
  readonly onEntryApplied?: EntryObserver | undefined;
}

/** What a key costs besides its own bytes: table slot, objects, buffer headers. Measured. */
const keyOverheadBytes = 320;

const noEvents: readonly StateEvent[] = [];

/** The key-value store in memory. */
export class KeyValueStateMachine implements StateMachine {
  readonly #readHistoryId: (bootstrapPayload: Uint8Array) => HistoryId;
  readonly #collectEvents: boolean;
  readonly #onEntryApplied: EntryObserver | undefined;
  /** By the key's bytes as latin1 text: one character a byte, so any bytes make a key. */
  #values = new Map<string, StoredValue>();
  #hash = new StateHash();
  #appliedIndex: LogIndex = 0;
  /** Invariant: only grows. */
  #revisionBase: Revision = 0;
  #historyId: HistoryId | null = null;
  /** Invariant: never decreases (design rule 7). */
  #clusterTimeMs = 0;
  /** Invariant: the sum of key, value and overhead bytes of all of `#values`. */
  #stateBytes = 0;
  #events: StateEvent[] = [];

  constructor(options: KeyValueStateMachineOptions) {
    this.#readHistoryId = options.readHistoryId;
    this.#collectEvents = options.collectEvents ?? false;
    this.#onEntryApplied = options.onEntryApplied;
  }

  get appliedIndex(): LogIndex {
    return this.#appliedIndex;
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
    return this.#values.size;
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
    return keys.map((key) => {
      const stored = this.#values.get(tableKey(key));
      if (stored === undefined) return null;
      const { value, createRevision, modRevision, version } = stored;
      return { key, value, createRevision, modRevision, version };
    });
  }

  stateHash(): string {
    const rest = [this.#appliedIndex, this.#revisionBase, this.#clusterTimeMs, this.#values.size];
    return this.#hash.digest(rest, this.#historyId ?? '');
  }

  view(): StateView {
    const records = [...this.#values]
      .map(([name, stored]) => {
        const { value, createRevision, modRevision, version } = stored;
        return { key: Buffer.from(name, 'latin1'), value, createRevision, modRevision, version };
      })
      .sort((left, right) => Buffer.compare(left.key, right.key));
    const sections: StateSection[] = [
      {
        kind: snapshotSectionKinds.history,
        historyId: this.#historyId,
        revisionBase: this.#revisionBase,
        stateHash: this.stateHash(),
      },
      { kind: snapshotSectionKinds.clusterTime, clusterTimeMs: this.#clusterTimeMs },
      ...runsOf(records),
    ];
    return { appliedIndex: this.#appliedIndex, sections: () => sections, release: () => undefined };
  }

  async load(header: SnapshotHeader, sections: SnapshotSections): Promise<void> {
    const loaded = new KeyValueStateMachine({ readHistoryId: this.#readHistoryId });
    loaded.#appliedIndex = header.index;
    let stateHash = '';
    for await (const section of sections) {
      if (section.kind === snapshotSectionKinds.history) {
        loaded.#historyId = section.historyId;
        loaded.#revisionBase = section.revisionBase;
        stateHash = section.stateHash;
      } else if (section.kind === snapshotSectionKinds.clusterTime) {
        loaded.#clusterTimeMs = section.clusterTimeMs;
      } else if (section.kind === snapshotSectionKinds.data) {
        for (const record of readRun(section.run)) loaded.#load(record);
      }
    }
    if (loaded.stateHash() !== stateHash) {
      const file = `the snapshot at ${header.index}`;
      throw new StorageDamage({ file, offset: 0, reason: 'its state has another hash' });
    }
    this.#values = loaded.#values;
    this.#hash = loaded.#hash;
    this.#appliedIndex = loaded.#appliedIndex;
    this.#historyId = loaded.#historyId;
    this.#revisionBase = loaded.#revisionBase;
    this.#clusterTimeMs = loaded.#clusterTimeMs;
    this.#stateBytes = loaded.#stateBytes;
  }

  #load(record: RunRecord): void {
    const { key, value, createRevision, modRevision, version } = record;
    const stored = new StoredValue(value, createRevision, modRevision);
    stored.version = version;
    this.#stateBytes += key.length + value.length + keyOverheadBytes;
    this.#hash.add(stored, key, value, stored);
    this.#values.set(tableKey(key), stored);
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
    switch (entry.kind) {
      case entryKinds.command:
        return this.#applyCommand(entryPayload(entry));
      case entryKinds.bootstrap:
        assert(this.#historyId === null, () => `a second bootstrap entry at ${entry.index}`);
        this.#historyId = this.#readHistoryId(entryPayload(entry));
        return undefined;
      case entryKinds.noop:
      case entryKinds.binding:
        return undefined;
      default:
        return unreachable(entry.kind, 'entry kind');
    }
  }

  #applyCommand(payload: Uint8Array): CommandResult {
    const command = decodeOrReason(payload);
    if (typeof command === 'string') return this.#invalidRequest(command);
    if (command.type !== 'delete' && command.ttlMs > 0) {
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
        return unreachable(command, 'write command');
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
    const current = this.#values.get(tableKey(key))?.value ?? null;
    const matches =
      expected === null ? current === null : current !== null && sameBytes(current, expected);
    const revision = this.revision;
    if (!matches) return { type: 'compareAndSwap', revision, succeeded: false, current };
    if (value === null) this.#delete(key);
    else this.#put(key, value);
    return { type: 'compareAndSwap', revision, succeeded: true, current: null };
  }

  #put(key: Uint8Array, value: Uint8Array): void {
    const revision = this.revision;
    const name = tableKey(key);
    const old = this.#values.get(name);
    const stored = new StoredValue(value, old?.createRevision ?? revision, revision);
    if (old === undefined) {
      this.#stateBytes += key.length + keyOverheadBytes;
    } else {
      stored.version = old.version + 1;
      this.#stateBytes -= old.value.length;
      this.#hash.remove(old);
    }
    this.#stateBytes += value.length;
    this.#hash.add(stored, key, value, stored);
    this.#values.set(name, stored);
    if (this.#collectEvents) this.#collect('put', name, stored.value, old);
  }

  #delete(key: Uint8Array): boolean {
    const name = tableKey(key);
    const old = this.#values.get(name);
    if (old === undefined) return false;
    this.#values.delete(name);
    this.#stateBytes -= key.length + keyOverheadBytes + old.value.length;
    assert(this.#stateBytes >= 0, 'the state holds less than nothing');
    this.#hash.remove(old);
    if (this.#collectEvents) this.#collect('delete', name, null, old);
    return true;
  }

  #collect(
    type: 'put' | 'delete',
    name: string,
    value: Uint8Array | null,
    old: StoredValue | undefined,
  ): void {
    const key = Buffer.allocUnsafeSlow(name.length);
    key.write(name, 'latin1');
    const previous = old?.value ?? null;
    this.#events.push({ revision: this.revision, type, key, value, previous });
  }
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

function tableKey(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}

function* runsOf(records: readonly RunRecord[]): Generator<StateSection> {
  const encode = (some: readonly RunRecord[], bytes: number): StateSection => {
    const run = Buffer.allocUnsafeSlow(bytes);
    let at = 0;
    for (const record of some) at = writeRunRecord(run, at, record);
    return { kind: snapshotSectionKinds.data, keyCount: some.length, run };
  };
  let pending: RunRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = runRecordBytes(record);
    if (bytes > 0 && bytes + size > limits.snapshotRunBytes) {
      yield encode(pending, bytes);
      pending = [];
      bytes = 0;
    }
    pending.push(record);
    bytes += size;
  }
  if (bytes > 0) yield encode(pending, bytes);
}
