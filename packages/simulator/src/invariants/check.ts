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
  /** Of any member, dead ones too; itself as before this step. */
  recordOf(nodeId: NodeId): MemberRecord | undefined;
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
