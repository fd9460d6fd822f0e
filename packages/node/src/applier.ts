import type { Entry, LogIndex } from '@d-engine/base';
import { assert, entryKinds, limits } from '@d-engine/base';
import type { Raft } from '@d-engine/raft';
import type { SnapshotInfo, StateMachine, Storage } from '@d-engine/storage';
import type { Proposals } from './proposals.ts';
import type { Watches } from './watch/watches.ts';

/**
 * Feeds committed entries to the state machine, in order, each once. Entries that Raft no longer
 * holds in memory are read back from the log, off the turn.
 */
export class Applier {
  readonly #raft: Raft;
  readonly #storage: Storage;
  readonly #stateMachine: StateMachine;
  readonly #proposals: Proposals;
  readonly #watches: Watches;
  readonly #onVerifyApplied: (index: LogIndex) => void;
  readonly #onApplied: () => void;
  readonly #onLoaded: () => void;
  readonly #onFailure: (error: unknown) => void;
  #state: 'ready' | 'reading' | 'loading' = 'ready';
  #loads = 0;

  constructor(options: {
    raft: Raft;
    storage: Storage;
    stateMachine: StateMachine;
    proposals: Proposals;
    watches: Watches;
    /** The state stands exactly at this verify entry. */
    onVerifyApplied: (index: LogIndex) => void;
    /** The state machine has moved on, in a turn or between two. */
    onApplied: () => void;
    /** A snapshot took the place of the state. */
    onLoaded: () => void;
    onFailure: (error: unknown) => void;
  }) {
    this.#raft = options.raft;
    this.#storage = options.storage;
    this.#stateMachine = options.stateMachine;
    this.#proposals = options.proposals;
    this.#watches = options.watches;
    this.#onVerifyApplied = options.onVerifyApplied;
    this.#onApplied = options.onApplied;
    this.#onLoaded = options.onLoaded;
    this.#onFailure = options.onFailure;
  }

  /**
   * Applies the next committed batch. True when it applied something; the caller asks again, in
   * a later turn when the batch was a full one.
   */
  applyNext(): boolean {
    if (this.#state !== 'ready' || this.#isFull) return false;
    const from = this.#stateMachine.appliedIndex + 1;
    const to = Math.min(this.#raft.commitIndex, from + limits.applyBatchEntriesMax - 1);
    if (to < from) return false;
    const entries = this.#raft.entries(from, to);
    if (entries === undefined) {
      this.#readBack(from, Math.min(to, this.#raft.memoryFirstIndex - 1));
      return false;
    }
    this.#apply(entries);
    return true;
  }

  get isBehind(): boolean {
    if (this.#state !== 'ready' || this.#isFull) return false;
    return this.#stateMachine.appliedIndex < this.#raft.commitIndex;
  }

  /** Too much waits for its place on disk. Whatever gets there asks for a turn. */
  get #isFull(): boolean {
    return this.#stateMachine.pendingBytes > limits.statePendingBytesMax;
  }

  /** Lets a state on disk follow what the log holds by now. */
  tellDurable(): void {
    this.#stateMachine.logDurable(this.#raft.durableIndex);
  }

  /**
   * Goes on from what a start found: the newest snapshot, or a state on disk that is not behind it.
   * Undefined when the state is that.
   */
  async resume(): Promise<SnapshotInfo | undefined> {
    const { latest } = this.#storage.snapshots;
    const { appliedIndex } = this.#stateMachine;
    if (latest !== null && latest.header.index > appliedIndex) {
      await this.load(latest);
      return latest;
    }
    if (appliedIndex > 0) {
      this.#onLoaded();
      this.#raft.applied(appliedIndex);
      this.#watches.onLoaded();
    }
    return undefined;
  }

  /** Only what is no longer in memory: the disk may still hold what was truncated above. */
  #readBack(from: LogIndex, to: LogIndex): void {
    assert(from <= to, () => `entry ${from} is neither in memory nor on disk`);
    this.#state = 'reading';
    const loads = this.#loads;
    this.#storage
      .readEntries(from, to, limits.logBatchBytesMax)
      .then((entries) => {
        // A snapshot may have taken the place of what was being read.
        if (loads !== this.#loads) return;
        this.#state = 'ready';
        this.#apply(entries);
      })
      .catch((error: unknown) => this.#onFailure(error));
  }

  /**
   * The newest snapshot takes the place of the state. Reads see the old one until then, and nothing
   * is applied. Whatever waits for an entry that the snapshot covers is told that its outcome is
   * unknown.
   */
  async load({ header }: SnapshotInfo): Promise<void> {
    this.#state = 'loading';
    this.#loads += 1;
    await this.#stateMachine.load(header, this.#storage.snapshots.read());
    assert(this.#stateMachine.appliedIndex === header.index, 'the state is that of the snapshot');
    this.#state = 'ready';
    this.#onLoaded();
    this.#raft.applied(header.index);
    this.#watches.onLoaded();
    this.#proposals.settleSkipped(header.index);
    this.#onApplied();
  }

  /** A batch ends with its first verify entry: the state must be looked at as of there. */
  #apply(all: readonly Entry[]): void {
    const verify = all.findIndex(({ kind }) => kind === entryKinds.verify);
    const entries = verify === -1 ? all : all.slice(0, verify + 1);
    const first = entries[0];
    assert(first !== undefined, 'an empty batch to apply');
    assert(
      first.index === this.#stateMachine.appliedIndex + 1,
      () => `applying ${first.index} after ${this.#stateMachine.appliedIndex}`,
    );
    const last = first.index + entries.length - 1;
    assert(last <= this.#raft.commitIndex, () => `applying ${last} above the commit index`);
    for (const entry of entries) {
      assert(entry.term === this.#raft.termAt(entry.index), () => {
        return `entry ${entry.index} of term ${entry.term} to apply is not the log's`;
      });
    }
    const { results, events } = this.#stateMachine.apply(entries);
    assert(results.length === entries.length, 'the state machine lost a result');
    assert(this.#stateMachine.appliedIndex === last, 'the state machine stopped short');
    this.#raft.applied(last);
    for (const [position, entry] of entries.entries()) {
      this.#proposals.settleApplied(entry, results[position]);
    }
    this.#watches.onApplied(entries, events);
    if (verify !== -1) this.#onVerifyApplied(last);
    this.#onApplied();
  }
}
