import type { LogIndex, NodeId, Term } from '@d-engine/base';
import type { Configuration, HardState, Role } from '@d-engine/raft';
import type { MemberView } from './member-view.ts';

/** What was seen of a member up to the step before, across all of its lives. */
export class MemberRecord {
  readonly nodeId: NodeId;
  life: object | undefined;
  role: Role = 'follower';
  term: Term = 0;
  leaderId: NodeId | null = null;
  firstLogIndex: LogIndex = 1;
  lastLogIndex: LogIndex = 0;
  lastLogTerm: Term = 0;
  durableIndex: LogIndex = 0;
  heldIndex: LogIndex = 0;
  isRecovering = false;
  /** In any of its lives. */
  acknowledgesFromMemory = false;
  commitIndex: LogIndex = 0;
  verifiedIndex: LogIndex = 0;
  appliedIndex: LogIndex = 0;
  votedFor: HardState['votedFor'] = null;
  isHardStateDurable = true;
  configuration: Configuration | undefined;
  /** The term of each entry, by index; 0 stands for the place before the first. */
  readonly terms: Term[] = [0];
  /**
   * The term of each entry that it ever held so that it counted, by index: what it acknowledged
   * from memory it may have forgotten since, and rightly still count for.
   */
  readonly heldTerms: Term[] = [0];
  /** Invariant: `heldTerms` has what it holds up to here. */
  #heldSeen: LogIndex = 0;
  /** The newest term that was on disk, and so may have been told to others. */
  durableTerm: Term = 0;
  /** Of each term: for whom this member's vote was on disk. */
  readonly votes: Map<Term, NonNullable<HardState['votedFor']>> = new Map();
  /** Of those votes, the ones that count only where every voter is asked (design rule 3). */
  readonly votesInRecovery: Set<Term> = new Set();

  constructor(nodeId: NodeId) {
    this.nodeId = nodeId;
  }

  /** False: nothing that a check looks at is different. Asked after every event, so it is cheap. */
  differsFrom(member: MemberView): boolean {
    return (
      this.lastLogIndex !== member.lastLogIndex ||
      this.firstLogIndex !== member.firstLogIndex ||
      this.durableIndex !== member.durableIndex ||
      this.heldIndex !== member.heldIndex ||
      this.isRecovering !== member.isRecovering ||
      this.commitIndex !== member.commitIndex ||
      this.appliedIndex !== member.appliedIndex ||
      this.term !== member.term ||
      this.role !== member.role ||
      this.leaderId !== member.leaderId ||
      this.verifiedIndex !== member.verifiedIndex ||
      this.isHardStateDurable !== member.isHardStateDurable ||
      !isSameVote(this.votedFor, member.votedFor) ||
      this.life !== member.life ||
      this.lastLogTerm !== member.termAt(member.lastLogIndex)
    );
  }

  /**
   * The first index at which the member's log is not what it was. Looks back from the end: where
   * two logs agree on an entry, they agree on all before it, which is checked when entries come.
   */
  logChangedFrom(member: MemberView): LogIndex | undefined {
    const { lastLogIndex } = member;
    let same = Math.min(lastLogIndex, this.lastLogIndex);
    while (same > 0 && member.termAt(same) !== this.terms[same]) same -= 1;
    const isSame = same === lastLogIndex && same === this.lastLogIndex;
    return isSame ? undefined : same + 1;
  }

  update(member: MemberView, changedFrom: LogIndex | undefined): void {
    this.life = member.life;
    this.role = member.role;
    this.term = member.term;
    this.leaderId = member.leaderId;
    this.firstLogIndex = member.firstLogIndex;
    this.durableIndex = member.durableIndex;
    this.heldIndex = member.heldIndex;
    this.isRecovering = member.isRecovering;
    this.acknowledgesFromMemory ||= member.acknowledgesFromMemory;
    this.commitIndex = member.commitIndex;
    this.verifiedIndex = member.verifiedIndex;
    this.appliedIndex = member.appliedIndex;
    this.votedFor = member.votedFor;
    this.isHardStateDurable = member.isHardStateDurable;
    this.configuration = member.configuration;
    if (changedFrom !== undefined) {
      this.terms.length = changedFrom;
      for (let index = changedFrom; index <= member.lastLogIndex; index++) {
        this.terms.push(member.termAt(index) ?? 0);
      }
    }
    this.lastLogIndex = member.lastLogIndex;
    this.lastLogTerm = this.terms[member.lastLogIndex] ?? 0;
    this.#updateHeld(changedFrom);
    if (!member.isHardStateDurable) return;
    this.durableTerm = Math.max(this.durableTerm, member.term);
    if (member.votedFor === null || this.votes.has(member.term)) return;
    this.votes.set(member.term, member.votedFor);
    if (member.isRecovering) this.votesInRecovery.add(member.term);
  }

  #updateHeld(changedFrom: LogIndex | undefined): void {
    const seen = this.isRecovering ? 0 : this.#heldSeen;
    this.#heldSeen = Math.min(seen, (changedFrom ?? seen + 1) - 1);
    if (this.isRecovering) return;
    for (; this.#heldSeen < this.heldIndex; this.#heldSeen++) {
      const index = this.#heldSeen + 1;
      this.heldTerms[index] = this.terms[index] ?? 0;
    }
  }
}

export function isSameVote(one: HardState['votedFor'], other: HardState['votedFor']): boolean {
  if (one === other) return true;
  return one?.nodeId === other?.nodeId && one?.instanceId === other?.instanceId;
}
