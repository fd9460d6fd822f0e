import type { Entry, LogIndex, Term } from '@d-engine/base';
import { assert, must } from '@d-engine/base';
import type { HardState, Persist, RaftSnapshot, RecoveredState } from './raft-under-test.ts';
import { isMembershipKind } from './raft-under-test.ts';

interface Content {
  hardState: HardState | undefined;
  /** From index 1; those up to `precedingIndex` stand for what is in a snapshot only. */
  entries: Entry[];
  precedingIndex: LogIndex;
  commitIndex: LogIndex;
}

/** A snapshot whose state is simply all that led to it. */
export interface SimulatedSnapshot {
  readonly raft: RaftSnapshot;
  /** From index 1 to the snapshot's. */
  readonly entries: readonly Entry[];
}

function blank(): Content {
  return { hardState: undefined, entries: [], precedingIndex: 0, commitIndex: 0 };
}

/**
 * A disk that forgets what was not synced. `durable` survives a power loss; `latest` also holds
 * the writes that are still on their way, which is what the running node reads back.
 */
export class SimulatedDisk {
  /** Manual: writes stay pending until the script completes them; awaited: those that may. */
  mode: 'auto' | 'awaited' | 'manual' = 'auto';
  #durable: Content = blank();
  #latest: Content = blank();
  #pending: Persist[] = [];
  readonly #snapshots: SimulatedSnapshot[] = [];

  get durable(): Readonly<Content> {
    return this.#durable;
  }

  get latest(): Readonly<Content> {
    return this.#latest;
  }

  get snapshot(): SimulatedSnapshot | undefined {
    return this.#snapshots.at(-1);
  }

  /** Whether it completes its oldest write by itself. */
  get completes(): boolean {
    if (this.mode === 'manual') return false;
    return this.#pending.some(({ sync }) => this.mode === 'auto' || sync === 'now');
  }

  get pending(): readonly Persist[] {
    return this.#pending;
  }

  /** What the disk holds before the node starts. */
  prepare(content: Omit<Content, 'precedingIndex'>): void {
    this.#pending = [];
    this.#durable = { ...content, precedingIndex: 0 };
    this.#latest = copyOf(this.#durable);
  }

  /** Durable at once. */
  saveSnapshot(snapshot: SimulatedSnapshot): void {
    if (snapshot.raft.index > (this.snapshot?.raft.index ?? 0)) this.#snapshots.push(snapshot);
  }

  /** Drops entries from the log, behind a snapshot. */
  purge(upTo: LogIndex): void {
    assert(upTo <= (this.snapshot?.raft.index ?? 0), () => `no snapshot has entry ${upTo}`);
    assert(upTo <= this.#durable.entries.length, () => `entry ${upTo} is not durable`);
    for (const content of [this.#durable, this.#latest]) {
      content.precedingIndex = Math.max(content.precedingIndex, upTo);
    }
  }

  write(persist: Persist): void {
    const before = this.#pending.at(-1)?.writeId;
    assert(before === undefined || persist.writeId > before, 'write ids must rise');
    this.#change(this.#latest, persist);
    this.#pending.push(persist);
  }

  /** The oldest pending write reaches the platter. */
  completeOldest(): Persist | undefined {
    const persist = this.#pending.shift();
    if (persist !== undefined) this.#change(this.#durable, persist);
    return persist;
  }

  /** The power fails: pending writes are gone, all or (with `kept`) the newest of them. */
  crash(kept: number): void {
    for (let count = 0; count < kept; count++) this.completeOldest();
    this.#pending = [];
    this.#latest = copyOf(this.#durable);
  }

  recovered(): RecoveredState {
    this.#endInstall();
    const { hardState, entries, precedingIndex, commitIndex } = this.#durable;
    const log = entries.slice(precedingIndex);
    const termStarts: { index: LogIndex; term: Term }[] = [];
    for (const entry of log) {
      if (termStarts.at(-1)?.term === entry.term) continue;
      termStarts.push({ index: entry.index, term: entry.term });
    }
    return {
      hardState,
      snapshot: this.snapshot?.raft,
      firstIndex: precedingIndex + 1,
      precedingTerm: entries[precedingIndex - 1]?.term ?? 0,
      lastIndex: entries.length,
      termStarts,
      membershipEntries: log.filter(({ kind }) => isMembershipKind(kind)),
      commitIndex: Math.min(commitIndex, entries.length),
      lastClusterTimeMs: log.at(-1)?.clusterTimeMs ?? 0,
      everFormed: entries.length > 0,
      goneVoters: [],
      recovering: false,
    };
  }

  /** After a crash between an installed snapshot and the log's new beginning. */
  #endInstall(): void {
    const { snapshot } = this;
    if (snapshot === undefined) return;
    const { index, term } = snapshot.raft;
    if (this.#durable.entries[index - 1]?.term === term) return;
    this.#begin(this.#durable, index);
    this.#durable.commitIndex = index;
    const before = this.#durable.hardState;
    if ((before?.term ?? 0) < term) {
      this.#durable.hardState = { term, votedFor: null, stickinessMs: before?.stickinessMs ?? 0 };
    }
    this.#latest = copyOf(this.#durable);
  }

  #begin(content: Content, index: LogIndex): void {
    const found = this.#snapshots.find(({ raft }) => raft.index === index);
    content.entries = [...must(found, `the snapshot up to ${index}`).entries];
    content.precedingIndex = index;
  }

  #change(content: Content, persist: Persist): void {
    if (persist.reset !== undefined) this.#begin(content, persist.reset.index);
    change(content, persist);
  }
}

function copyOf(content: Content): Content {
  return { ...content, entries: [...content.entries] };
}

/** Carries out the rest of a write, after a look at whether it fits what is there. */
function change(content: Content, persist: Persist): void {
  const { hardState, truncateFrom, entries, commitIndex } = persist;
  if (hardState !== undefined) {
    const old = content.hardState;
    assert(old === undefined || old.term <= hardState.term, 'the term on disk went back');
    assert(
      old === undefined || old.stickinessMs <= hardState.stickinessMs,
      'the stickiness on disk went back',
    );
    content.hardState = hardState;
  }
  if (truncateFrom !== undefined) {
    assert(truncateFrom > content.commitIndex, () => `cut from ${truncateFrom}, but committed`);
    assert(truncateFrom <= content.entries.length, () => `nothing to cut from ${truncateFrom}`);
    content.entries.length = truncateFrom - 1;
  }
  for (const entry of entries) {
    assert(entry.index === content.entries.length + 1, () => `entry ${entry.index} leaves a gap`);
    content.entries.push(entry);
  }
  assert(commitIndex >= content.commitIndex, 'the commit index on disk went back');
  content.commitIndex = commitIndex;
}
