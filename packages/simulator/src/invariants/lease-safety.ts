import type { NodeId } from '@d-engine/base';
import type { CommittedEntries } from './committed-entries.ts';
import type { MemberView } from './member-view.ts';
import { hasQuorum } from './quorums.ts';

/**
 * While a leader may answer alone, nothing was committed in a newer term, and a quorum is bound to
 * it: nobody else can be elected (design rule 4). Who is down is bound as long: it keeps silent
 * after its start. Who stands still can do nothing, and is looked at when it goes on.
 */
export class LeaseSafety {
  readonly name = 'lease needs a quorum of send times';
  readonly #committed: CommittedEntries;
  readonly #running: () => Iterable<MemberView>;

  constructor(committed: CommittedEntries, running: () => Iterable<MemberView>) {
    this.#committed = committed;
    this.#running = running;
  }

  /** Cheap: whether a lease of this member would be wrong whatever the others promise. */
  isSuspect({ role, term }: MemberView): boolean {
    return role === 'leader' && term < this.#committed.newestTerm;
  }

  /** What is wrong with the member's lease, if it leads and has one. */
  problem(leader: MemberView): string | undefined {
    if (leader.role !== 'leader' || !leader.isAwake || !leader.leaseValid()) return undefined;
    const lease = `node ${leader.nodeId} has a valid lease in term ${leader.term}`;
    if (this.isSuspect(leader)) {
      return `${lease}, and something is committed in term ${this.#committed.newestTerm}`;
    }
    const free = new Set<NodeId>();
    for (const member of this.#running()) if (isFree(member, leader)) free.add(member.nodeId);
    if (hasQuorum(leader.configuration, (voter) => !free.has(voter))) return undefined;
    return `${lease}, and no quorum is bound to it: free are ${[...free].join(', ')}`;
  }
}

/** Whether it follows another leader or could help to elect one. */
function isFree(member: MemberView, leader: MemberView): boolean {
  // The vote of one that came back on another disk is counted by nobody.
  const bound = leader.boundInstance(member.nodeId);
  if (bound !== undefined && bound !== member.instanceId) return false;
  if (member.term > leader.term && member.leaderId !== null) return true;
  return member.isAwake && !member.owesItsVote;
}
