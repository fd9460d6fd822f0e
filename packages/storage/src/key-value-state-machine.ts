import type {
  DiskError,
  Entry,
  HistoryId,
  KeyValue,
  LeaseId,
  LeaseStatus,
  LogIndex,
  Revision,
  Term,
} from '@d-engine/base';
import { assert, entryKinds, entryPayload, unreachable } from '@d-engine/base';
import type { CommandResult } from './command-result.ts';
import type {
  AppliedBatch,
  EntryObserver,
  OpenStateMachine,
  StateEvent,
  StateMachine,
  StateView,
} from './contracts.ts';
import type { ScanPage, ScanQuery } from './scan-page.ts';
import type {
  ClusterTimeSection,
  HistorySection,
  SnapshotHeader,
  SnapshotSections,
  StateSection,
} from './snapshot-format.ts';
import { snapshotSectionKinds } from './snapshot-format.ts';
import { leaseSections, sessionSections } from './snapshots/lifetime-sections.ts';
import type { BackendDurability, BackendView, KeyValueBackend } from './state/backend.ts';
import type { CommandPlace } from './state/command-runner.ts';
import { runCommand } from './state/command-runner.ts';
import { KeyValueStore } from './state/key-value-store.ts';
import type { LeaseRecord } from './state/lease-table.ts';
import type { FrozenSession } from './state/session-table.ts';
import type { StateMark } from './state/state-mark.ts';
import { StateTables } from './state/state-tables.ts';
import { damagedSnapshot, TablesLoading } from './state/tables-loading.ts';

/** What a new history adds to the base of its revisions: far more than any log has entries. */
export const revisionsPerHistory = 1_000_000_000;

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

const noEvents: readonly StateEvent[] = [];

/** The key-value store: what commands mean, whatever backend keeps the records. */
export class KeyValueStateMachine implements StateMachine {
  readonly #readHistoryId: (entry: Entry) => HistoryId;
  readonly #collectEvents: boolean;
  readonly #onEntryApplied: EntryObserver | undefined;
  #tables: StateTables;
  #appliedIndex: LogIndex = 0;
  #appliedTerm: Term = 0;
  /** Invariant: only grows. */
  #revisionBase: Revision = 0;
  #historyId: HistoryId | null = null;
  /** Invariant: never decreases (design rule 7). */
  #clusterTimeMs = 0;
  #events: StateEvent[] = [];

  constructor(options: KeyValueStateMachineOptions) {
    this.#readHistoryId = options.readHistoryId;
    this.#collectEvents = options.collectEvents ?? false;
    this.#onEntryApplied = options.onEntryApplied;
    this.#tables = this.#tablesOver(options.backend ?? new KeyValueStore());
    const mark = options.backend?.durability?.mark;
    if (mark !== undefined) this.#goOnFrom(mark);
  }

  get appliedIndex(): LogIndex {
    return this.#appliedIndex;
  }

  get appliedTerm(): Term {
    return this.#appliedTerm;
  }

  get durableIndex(): LogIndex {
    return this.#durability?.durableIndex ?? 0;
  }

  get pendingBytes(): number {
    return this.#durability?.pendingBytes ?? 0;
  }

  get spaceProblem(): DiskError | undefined {
    return this.#durability?.spaceProblem;
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
    return this.#tables.bytes;
  }

  get keyCount(): number {
    return this.#tables.keys.count;
  }

  get expiringKeyCount(): number {
    return this.#tables.keys.expiringCount;
  }

  get leaseCount(): number {
    return this.#tables.leases.size;
  }

  get sessionCount(): number {
    return this.#tables.sessions.size;
  }

  get nextExpiryMs(): number | undefined {
    return this.#tables.nextDueMs;
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
    return keys.map((key) => this.#tables.keys.read(key, this.#clusterTimeMs));
  }

  scan(query: ScanQuery): ScanPage {
    return this.#tables.keys.scan(query, this.#clusterTimeMs);
  }

  lease(id: LeaseId): Omit<LeaseStatus, 'revision'> | null {
    return this.#tables.leaseState(id, this.#clusterTimeMs);
  }

  stateHash(): string {
    const { keyCount } = this;
    const rest = [this.#appliedIndex, this.#revisionBase, this.#clusterTimeMs, keyCount];
    return this.#tables.hash.digest(rest, this.#historyId ?? '');
  }

  logDurable(index: LogIndex): void {
    this.#durability?.logDurable(index, this.#describe);
  }

  async clear(): Promise<void> {
    const empty = this.#successor();
    await empty.#durability?.prepare();
    await empty.#durability?.replace(empty.#describe());
    this.#become(empty);
  }

  async close(): Promise<void> {
    await this.#durability?.close();
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
    const { keys, sessions, leases } = this.#tables;
    const view = keys.view();
    const frozen = { sessions: sessions.freeze(), leases: leases.records(), view };
    return {
      appliedIndex: this.#appliedIndex,
      sections: () => sectionsOf([history, clusterTime], frozen),
      release: () => view.release(),
    };
  }

  async load(header: SnapshotHeader, sections: SnapshotSections): Promise<void> {
    assert(
      header.index >= this.#appliedIndex,
      () => `loading a snapshot at ${header.index} over a state at ${this.#appliedIndex}`,
    );
    const loaded = this.#successor();
    await loaded.#durability?.prepare();
    loaded.#appliedIndex = header.index;
    loaded.#appliedTerm = header.term;
    let stateHash = '';
    const loading = new TablesLoading(header, loaded.#tables);
    for await (const section of sections) {
      if (section.kind === snapshotSectionKinds.history) {
        loaded.#historyId = section.historyId;
        loaded.#revisionBase = section.revisionBase;
        stateHash = section.stateHash;
      } else if (section.kind === snapshotSectionKinds.clusterTime) {
        loaded.#clusterTimeMs = section.clusterTimeMs;
      } else if (section.kind !== snapshotSectionKinds.configuration) {
        loading.take(section);
        await loaded.#durability?.settle();
      }
    }
    if (loaded.stateHash() !== stateHash) {
      throw damagedSnapshot(header, 'its state has another hash');
    }
    await loaded.#durability?.replace(loaded.#describe());
    this.#become(loaded);
  }

  get #durability(): BackendDurability | undefined {
    return this.#tables.keys.durability;
  }

  #successor(): KeyValueStateMachine {
    const successor = new KeyValueStateMachine({ readHistoryId: this.#readHistoryId });
    // Events go to this machine: the other one is its future.
    successor.#tables = this.#tablesOver(this.#tables.keys.successor());
    return successor;
  }

  readonly #describe = (): StateMark => ({
    appliedIndex: this.#appliedIndex,
    appliedTerm: this.#appliedTerm,
    revisionBase: this.#revisionBase,
    historyId: this.#historyId,
    clusterTimeMs: this.#clusterTimeMs,
    ...this.#tables.keep(),
  });

  #goOnFrom(mark: StateMark): void {
    this.#tables.goOnFrom(mark);
    this.#appliedIndex = mark.appliedIndex;
    this.#appliedTerm = mark.appliedTerm;
    this.#historyId = mark.historyId;
    this.#revisionBase = mark.revisionBase;
    this.#clusterTimeMs = mark.clusterTimeMs;
  }

  /** Takes what another one has become; that one is not used any more. */
  #become(loaded: KeyValueStateMachine): void {
    this.#tables = loaded.#tables;
    this.#appliedIndex = loaded.#appliedIndex;
    this.#appliedTerm = loaded.#appliedTerm;
    this.#historyId = loaded.#historyId;
    this.#revisionBase = loaded.#revisionBase;
    this.#clusterTimeMs = loaded.#clusterTimeMs;
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
        return runCommand(entryPayload(entry), entry.session, this.#place());
      case entryKinds.bootstrap:
        assert(this.#historyId === null, () => `a second bootstrap entry at ${entry.index}`);
        this.#historyId = this.#readHistoryId(entry);
        return undefined;
      case entryKinds.newHistory:
        // No revision of a history that was given up is ever issued again.
        this.#revisionBase += revisionsPerHistory;
        this.#historyId = this.#readHistoryId(entry);
        return undefined;
      case entryKinds.time:
        this.#tables.expire(this.#clusterTimeMs, this.revision);
        return undefined;
      case entryKinds.noop:
      case entryKinds.binding:
      case entryKinds.configuration:
      case entryKinds.verify:
        return undefined;
      default:
        return unreachable(entry.kind, 'entry kind');
    }
  }

  #tablesOver(backend: KeyValueBackend): StateTables {
    const onEvent = (event: StateEvent): void => {
      this.#events.push(event);
    };
    return new StateTables(backend, this.#collectEvents ? onEvent : undefined);
  }

  #place(): CommandPlace {
    return { tables: this.#tables, revision: this.revision, nowMs: this.#clusterTimeMs };
  }
}

/** The state machine of a member that has no other: everything in memory. */
export const openMemoryStateMachine: OpenStateMachine = ({ readHistoryId, onEntryApplied }) =>
  Promise.resolve(new KeyValueStateMachine({ readHistoryId, onEntryApplied, collectEvents: true }));

function* sectionsOf(
  first: readonly StateSection[],
  frozen: {
    readonly sessions: readonly FrozenSession[];
    readonly leases: readonly LeaseRecord[];
    readonly view: BackendView;
  },
): Generator<StateSection> {
  yield* first;
  yield* sessionSections(frozen.sessions);
  yield* leaseSections(frozen.leases);
  for (const { keyCount, bytes } of frozen.view.runs()) {
    yield { kind: snapshotSectionKinds.data, keyCount, run: bytes };
  }
}
