import type { LogIndex, NodeId, Term } from '@d-engine/base';
import type { CommittedEntries } from './committed-entries.ts';
import type { MemberView } from './member-view.ts';

/** What members acknowledged and gave up, as one of them announced it. */
export interface Loss {
  readonly atMs: number;
  /** How many histories had begun, and were committed, after the first one. */
  readonly historiesBefore: number;
  /** Both ends included; nothing was given up where `to` is below `from`. */
  readonly from: LogIndex;
  readonly to: LogIndex;
}

interface Announced {
  readonly nodeId: NodeId;
  /** Said to be safe up to here. */
  readonly index: LogIndex;
}

/**
 * The new histories of a run (design rule 3). What a leader that every voter elected lacks is
 * forgiven where it said so, above all that any voter that lives knows to be committed; and nothing
 * else is.
 */
export class Losses {
  readonly #committed: CommittedEntries;
  readonly #nowMs: () => number;
  readonly #announced = new Map<Term, Announced>();
  /** First entries of new histories. */
  readonly #begun: { readonly index: LogIndex; readonly term: Term }[] = [];
  readonly #losses: Loss[] = [];

  constructor(committed: CommittedEntries, nowMs: () => number) {
    this.#committed = committed;
    this.#nowMs = nowMs;
  }

  get all(): readonly Loss[] {
    return this.#losses;
  }

  /** A member logged that it begins a new history, and what may be gone. */
  announce(nodeId: NodeId, term: Term, index: LogIndex): void {
    this.#announced.set(term, { nodeId, index });
  }

  /** Whether the leader of this term began a new history. */
  isNewHistory(term: Term): boolean {
    return this.#announced.has(term);
  }

  /** Before the checks look at a member that has just become leader. */
  settle(leader: MemberView, running: Iterable<MemberView>): void {
    const announced = this.#announced.get(leader.term);
    if (announced?.nodeId !== leader.nodeId) return;
    const committed = this.#committed;
    let safe = Math.max(announced.index, committed.lastOfMembers);
    for (const member of running) {
      if (member !== leader && leader.isBound(member)) safe = Math.max(safe, member.commitIndex);
    }
    const { lastIndex: to } = committed;
    let from = Math.min(safe, to) + 1;
    while (from <= to && leader.termAt(from) === committed.at(from)?.term) from += 1;
    const isCommitted = ({ index, term }: { index: LogIndex; term: Term }): boolean =>
      committed.at(index)?.term === term;
    const historiesBefore = this.#begun.filter(isCommitted).length;
    this.#losses.push({ atMs: this.#nowMs(), historiesBefore, from, to });
    committed.giveUpFrom(from);
    this.#begun.push({ index: firstOfTerm(leader), term: leader.term });
  }
}

/** Entries may have been proposed in the event that brought the last vote. */
function firstOfTerm(leader: MemberView): LogIndex {
  let index = leader.lastLogIndex;
  while (leader.termAt(index - 1) === leader.term) index -= 1;
  return index;
}
