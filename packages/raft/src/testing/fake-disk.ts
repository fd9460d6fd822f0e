import type { Entry, LogIndex, WriteId } from '@d-engine/base';
import { isMembershipKind } from '../bindings.ts';
import type { HardState, Persist } from '../effects.ts';
import type { RecoveredState } from '../raft-config.ts';

interface Content {
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
  readonly commitIndex: LogIndex;
}

const blank: Content = { hardState: undefined, entries: [], commitIndex: 0 };

/** A disk that finishes writes in order, when told; a crash loses those that are not finished. */
export class FakeDisk {
  #durable: Content = blank;
  readonly #pending: Persist[] = [];
  everFormed = false;

  get durable(): Content {
    return this.#durable;
  }

  get pendingCount(): number {
    return this.#pending.length;
  }

  write(persist: Persist): void {
    this.#pending.push(persist);
  }

  /** Finishes the oldest writes; returns the id of the last of them. */
  finish(count: number): WriteId | undefined {
    let writeId: WriteId | undefined;
    for (const persist of this.#pending.splice(0, count)) {
      this.#durable = applyPersist(this.#durable, persist);
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

  read(from: LogIndex, to: LogIndex): readonly Entry[] {
    let content = this.#durable;
    for (const persist of this.#pending) content = applyPersist(content, persist);
    return content.entries.slice(from - 1, to);
  }

  recovered(): RecoveredState {
    const { hardState, entries, commitIndex } = this.#durable;
    const termStarts: { index: LogIndex; term: number }[] = [];
    for (const { index, term } of entries) {
      if (termStarts[termStarts.length - 1]?.term !== term) termStarts.push({ index, term });
    }
    return {
      hardState,
      snapshot: undefined,
      firstIndex: 1,
      precedingTerm: 0,
      lastIndex: entries.length,
      termStarts,
      membershipEntries: entries.filter((entry) => isMembershipKind(entry.kind)),
      commitIndex,
      lastClusterTimeMs: entries[entries.length - 1]?.clusterTimeMs ?? 0,
      everFormed: this.everFormed,
    };
  }
}

function applyPersist(before: Content, persist: Persist): Content {
  const { truncateFrom, entries } = persist;
  const kept =
    truncateFrom === undefined ? before.entries : before.entries.slice(0, truncateFrom - 1);
  for (const [position, entry] of entries.entries()) {
    if (entry.index !== kept.length + position + 1) throw new Error(`gap at ${entry.index}`);
  }
  return {
    hardState: persist.hardState ?? before.hardState,
    entries: [...kept, ...entries],
    commitIndex: persist.commitIndex,
  };
}
