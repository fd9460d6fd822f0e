import type { LogIndex, NodeId } from '@d-engine/base';
import type { CheckName } from '../violation.ts';
import type { MemberRecord } from './member-record.ts';
import type { MemberView } from './member-view.ts';

/** A member that is not what it was one event ago. */
export interface Step {
  readonly member: MemberView;
  /** As it was before this step. */
  readonly before: MemberRecord;
  /** The process was started since. */
  readonly isNewLife: boolean;
  /** The first entry that is not what it was; undefined: the log is the same. */
  readonly logChangedFrom: LogIndex | undefined;
  /**
   * Of the voter that counts under this node id for the member of this step; itself as before it.
   * Undefined: none counts yet, or it was never seen.
   */
  recordOfBound(nodeId: NodeId): MemberRecord | undefined;
}

export interface Check {
  readonly name: CheckName;
  /** What is wrong, if anything. */
  step(step: Step): string | undefined;
}

/** Whether this step made the member a leader, of a new term or after a start. */
export function becameLeader({ member, before, isNewLife }: Step): boolean {
  if (member.role !== 'leader') return false;
  return isNewLife || before.role !== 'leader' || before.term !== member.term;
}
