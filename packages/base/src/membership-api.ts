import type { NodeId } from './ids.ts';

/**
 * What an operator asks of one member. `promote`: a learner gets a vote; `remove`: it belongs to
 * the cluster no more; `transfer`: it leads; `replace`: its data directory is gone, the one that it
 * has now takes the place of the old one.
 */
export type MemberAction = 'promote' | 'remove' | 'transfer' | 'replace';

/** Who belongs to the cluster once the action is done. */
export interface MemberChangeResult {
  readonly nodeId: NodeId;
  /** False: it was so before. */
  readonly changed: boolean;
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  readonly leaderId: NodeId | null;
}
