import type { MemberAction, NodeId } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import type { ChangeRefusal, NewLearner } from '@d-engine/raft';

/** What is wanted of the membership, as a state to be reached: asking again does no harm. */
export type MemberRequest =
  | { readonly action: MemberAction; readonly nodeId: NodeId }
  | { readonly action: 'join'; readonly nodeId: NodeId; readonly learner: NewLearner };

/** Refusals that pass by themselves, so that a request waits for its time. */
export function isPassing(reason: ChangeRefusal): boolean {
  return (
    reason === 'changeInFlight' ||
    reason === 'notReady' ||
    reason === 'transferring' ||
    reason === 'lagging'
  );
}

/** What the caller is told; `lag`: entries that the member lacks, where that is known. */
export function refusalError(
  reason: Exclude<ChangeRefusal, 'notLeader'>,
  nodeId: NodeId,
  lag: number | undefined,
): DEngineError {
  switch (reason) {
    case 'changeInFlight':
    case 'notReady':
    case 'transferring':
      return new DEngineError(
        'ChangeInFlight',
        'another change of members or leadership is under way: retry in a moment',
        { retryAfterMs: 500 },
      );
    case 'lagging': {
      const behind = lag === undefined ? 'has not answered yet' : `is ${lag} entries behind`;
      return new DEngineError(
        'LearnerBehind',
        `node ${nodeId} ${behind}, and would hold up writes as a voter: retry later`,
        { retryAfterMs: 1_000 },
      );
    }
    case 'knownMember':
      return new DEngineError(
        'KnownMember',
        `node ${nodeId} is a member already, with another data directory: take another node_id, ` +
          `or replace the member (d-engine member replace ${nodeId})`,
      );
    case 'unknownMember':
      return new DEngineError('NotFound', `node ${nodeId} is no member of this cluster`);
    case 'readOnlyLearner':
      return new DEngineError(
        'ReadOnlyMember',
        `node ${nodeId} is a READ_ONLY learner and never votes: remove it, and let it join with ` +
          'status 1 in its initial_cluster',
      );
    case 'lastVoter':
      return new DEngineError(
        'LastVoter',
        `node ${nodeId} is the last voter: promote another member first`,
      );
    case 'quorumAtRisk':
      return new DEngineError(
        'QuorumAtRisk',
        `without node ${nodeId} too few of the voters that remain are reached to go on: start ` +
          'them first, or remove those that are gone for good',
      );
    case 'removedBefore':
      return new DEngineError(
        'MemberRemoved',
        `node ${nodeId} was removed with this data directory: wipe it and let it join anew`,
      );
    case 'tooManyMembers':
      return new DEngineError('RateLimited', 'the cluster has as many members as it may have');
    case 'noChange':
      return new DEngineError('InvalidRequest', `nothing of node ${nodeId} can change so`);
  }
}
