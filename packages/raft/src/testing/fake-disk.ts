import type { Entry, LogIndex, WriteId } from '@d-engine/base';
import { must } from '@d-engine/base';
import { isMembershipKind } from '../bindings.ts';
import type { HardState, Persist } from '../effects.ts';
import type { RecoveredState } from '../raft-config.ts';
import type { RaftSnapshot } from '../raft-snapshot.ts';

/** A snapshot whose state is simply all that led to it. */
export interface FakeSnapshot {
  readonly raft: RaftSnapshot;
  /** From index 1 to the snapshot's. */
  readonly entries: readonly Entry[];
}

interface Content {
  readonly hardState: HardState | undefined;
  /** From index 1; those up to `precedingIndex` stand for what is in a snapshot only. */
  readonly entries: readonly Entry[];
  readonly precedingIndex: LogIndex;
  readonly commitIndex: LogIndex;
}

const blank: Content = { hardState: undefined, entries: [], precedingIndex: 0, commitIndex: 0 };

/** A disk that finishes writes in order, when told; a crash loses those that are not finished. */
export class FakeDisk {
  #durable: Content = blank;
  readonly #pending: Persist[] = [];
  readonly #snapshots: FakeSnapshot[] = [];
  everFormed = false;

  get durable(): Content {
    return this.#durable;
  }

  get pendingCount(): number {
    return this.#pending.length;
  }

  get snapshot(): FakeSnapshot | undefined {
    return this.#snapshots.at(-1);
  }

  write(persist: Persist): void {
    this.#pending.push(persist);
  }

  /** Durable at once. */
  saveSnapshot(snapshot: FakeSnapshot): void {
    const before = this.snapshot?.raft.index ?? 0;
    if (snapshot.raft.index > before) this.#snapshots.push(snapshot);
  }

  purge(upTo: LogIndex): void {
    if (upTo > (this.snapshot?.raft.index ?? 0)) throw new Error(`no snapshot of ${upTo}`);
    if (upTo > this.#durable.entries.length) throw new Error(`entry ${upTo} is not durable`);
    const precedingIndex = Math.max(this.#durable.precedingIndex, upTo);
    this.#durable = { ...this.#durable, precedingIndex };
  }

  /** Finishes the oldest writes; returns the id of the last of them. */
  finish(count: number): WriteId | undefined {
    let writeId: WriteId | undefined;
    for (const persist of this.#pending.splice(0, count)) {
      this.#durable = this.#apply(this.#durable, persist);
      writeId = persist.writeId;
    }
    if (this.#durable.commitIndex > 0) this.everFormed = true;
    return writeId;
  }

  /** Power is gone; `kept` of the unfinished writes reached the platter all the same. */
  crash(kept: number): void {
    this.finish(kept);
    this.#pending.length = 0;
  }

  /** The log as the running node knows it, and what its snapshot stands for. */
  read(from: LogIndex, to: LogIndex): readonly Entry[] {
    return this.#latest().entries.slice(from - 1, to);
  }

  /** Only what is in the log. */
  readLog(from: LogIndex, to: LogIndex): readonly Entry[] {
    if (from <= this.#latest().precedingIndex) throw new Error(`entry ${from} is purged`);
    return this.read(from, to);
  }

  #latest(): Content {
    let content = this.#durable;
    for (const persist of this.#pending) content = this.#apply(content, persist);
    return content;
  }

  get isAwaited(): boolean {
    return this.#pending.some(({ sync }) => sync === 'now');
  }

  recovered(): RecoveredState {
    this.#endInstall();
    const { hardState, entries, precedingIndex, commitIndex } = this.#durable;
    const log = entries.slice(precedingIndex);
    const termStarts: { index: LogIndex; term: number }[] = [];
    for (const { index, term } of log) {
      if (termStarts[termStarts.length - 1]?.term !== term) termStarts.push({ index, term });
    }
    return {
      hardState,
      snapshot: this.snapshot?.raft,
      firstIndex: precedingIndex + 1,
      precedingTerm: entries[precedingIndex - 1]?.term ?? 0,
      lastIndex: entries.length,
      termStarts,
      membershipEntries: log.filter((entry) => isMembershipKind(entry.kind)),
      commitIndex,
      lastClusterTimeMs: log[log.length - 1]?.clusterTimeMs ?? 0,
      everFormed: this.everFormed,
      recovering: false,
      goneVoters: [],
    };
  }

  /** A crash between snapshot and log: the snapshot decides, and has the term of its last entry. */
  #endInstall(): void {
    const { snapshot } = this;
    if (snapshot === undefined) return;
    const { index, term } = snapshot.raft;
    this.everFormed = true;
    if (this.#durable.entries[index - 1]?.term === term) return;
    const before = this.#durable.hardState;
    const stickinessMs = before?.stickinessMs ?? 0;
    const raised = { term, votedFor: null, stickinessMs };
    this.#durable = {
      hardState: before !== undefined && before.term >= term ? before : raised,
      entries: snapshot.entries,
      precedingIndex: index,
      commitIndex: index,
    };
  }

  #apply(before: Content, persist: Persist): Content {
    const { reset, truncateFrom, entries } = persist;
    let kept = before.entries;
    let precedingIndex = before.precedingIndex;
    if (reset !== undefined) {
      const snapshot = this.#snapshots.find(({ raft }) => raft.index === reset.index);
      kept = must(snapshot, `the snapshot up to ${reset.index}`).entries;
      precedingIndex = reset.index;
    }
    if (truncateFrom !== undefined) kept = kept.slice(0, truncateFrom - 1);
    for (const [position, entry] of entries.entries()) {
      if (entry.index !== kept.length + position + 1) throw new Error(`gap at ${entry.index}`);
    }
    return {
      hardState: persist.hardState ?? before.hardState,
      entries: [...kept, ...entries],
      precedingIndex,
      commitIndex: persist.commitIndex,
    };
  }
}
