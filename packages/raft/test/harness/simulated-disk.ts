import type { Entry, LogIndex, Term } from '@d-engine/base';
import { assert, entryKinds } from '@d-engine/base';
import type { HardState, Persist, RecoveredState } from './raft-under-test.ts';

interface Content {
  hardState: HardState | undefined;
  entries: Entry[];
  commitIndex: LogIndex;
}

/**
 * A disk that forgets what was not synced. `durable` survives a power loss; `latest` also holds
 * the writes that are still on their way, which is what the running node reads back.
 */
export class SimulatedDisk {
  /** Manual: writes stay pending until the script completes them. */
  mode: 'auto' | 'manual' = 'auto';
  #durable: Content = { hardState: undefined, entries: [], commitIndex: 0 };
  #latest: Content = { hardState: undefined, entries: [], commitIndex: 0 };
  #pending: Persist[] = [];

  get durable(): Readonly<Content> {
    return this.#durable;
  }

  get latest(): Readonly<Content> {
    return this.#latest;
  }

  get pending(): readonly Persist[] {
    return this.#pending;
  }

  /** What the disk holds before the node starts. */
  prepare(content: Content): void {
    this.#pending = [];
    this.#durable = content;
    this.#latest = copyOf(content);
  }

  write(persist: Persist): void {
    const before = this.#pending.at(-1)?.writeId;
    assert(before === undefined || persist.writeId > before, 'write ids must rise');
    change(this.#latest, persist);
    this.#pending.push(persist);
  }

  /** The oldest pending write reaches the platter. */
  completeOldest(): Persist | undefined {
    const persist = this.#pending.shift();
    if (persist !== undefined) change(this.#durable, persist);
    return persist;
  }

  /** The power fails: pending writes are gone, all or (with `kept`) the newest of them. */
  crash(kept: number): void {
    for (let count = 0; count < kept; count++) this.completeOldest();
    this.#pending = [];
    this.#latest = copyOf(this.#durable);
  }

  recovered(): RecoveredState {
    const { hardState, entries, commitIndex } = this.#durable;
    const termStarts: { index: LogIndex; term: Term }[] = [];
    for (const entry of entries) {
      if (termStarts.at(-1)?.term === entry.term) continue;
      termStarts.push({ index: entry.index, term: entry.term });
    }
    return {
      hardState,
      snapshot: undefined,
      firstIndex: 1,
      precedingTerm: 0,
      lastIndex: entries.length,
      termStarts,
      membershipEntries: entries.filter(
        ({ kind }) => kind === entryKinds.bootstrap || kind === entryKinds.binding,
      ),
      commitIndex: Math.min(commitIndex, entries.length),
      lastClusterTimeMs: entries.at(-1)?.clusterTimeMs ?? 0,
      everFormed: entries.length > 0,
    };
  }
}

function copyOf(content: Content): Content {
  return { ...content, entries: [...content.entries] };
}

/** Carries a write out, after a look at whether it fits what is there. */
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
