import type { Address, InstanceId, NodeId } from '@d-engine/base';
import { limits } from '@d-engine/base';
import type { Binding, Configuration, ConfigurationChange, Member } from './configuration.ts';
import { isJoint, isMember, isVoter } from './configuration.ts';

/** A member that is to get the log; it never votes before it is promoted. */
export interface NewLearner {
  readonly id: NodeId;
  readonly address: Address;
  readonly promotable: boolean;
  /** Its data directory; undefined: the one that answers first. */
  readonly instanceId: InstanceId | undefined;
}

/**
 * What an operator or the leader wants of the membership, all at once. Removing a node id and
 * adding it again replaces its data directory: the old one counts no more, the new one learns.
 */
export interface MembershipChange {
  readonly add: readonly NewLearner[];
  readonly promote: readonly NodeId[];
  readonly remove: readonly NodeId[];
}

/** Why a change is not made, by the configuration that it starts from alone. */
export type ImpossibleChange =
  | 'changeInFlight'
  | 'knownMember'
  | 'unknownMember'
  | 'readOnlyLearner'
  | 'lastVoter'
  | 'tooManyMembers'
  | 'noChange';

/**
 * What follows from `change`. When more than one voter comes or goes the result is joint (Raft
 * dissertation, section 4.3): majorities of configurations that differ by one voter always meet,
 * those of others may not.
 */
export function planChange(
  current: Configuration,
  change: MembershipChange,
): ConfigurationChange | ImpossibleChange {
  const problem = whatIsImpossible(current, change);
  if (problem !== undefined) return problem;
  const removed = new Set(change.remove);
  const promoted = new Set(change.promote);
  const voters = current.voters.filter((id) => !removed.has(id));
  voters.push(...promoted);
  voters.sort(ascending);
  if (voters.length === 0) return 'lastVoter';
  const added = change.add.map(
    ({ id, address, promotable }): Member => ({ id, address, role: 'learner', promotable }),
  );
  const learners = current.learners.filter((id) => !removed.has(id) && !promoted.has(id));
  learners.push(...added.map(({ id }) => id));
  learners.sort(ascending);
  const changed = [...current.voters.filter((id) => removed.has(id)), ...promoted];
  const outgoingVoters = changed.length > 1 ? current.voters : [];
  const stays = ({ id }: Member): boolean => !removed.has(id) || outgoingVoters.includes(id);
  const members = [
    ...current.members.filter(stays).map((member) => promote(member, promoted)),
    ...added,
  ];
  if (members.length > limits.membersMax) return 'tooManyMembers';
  members.sort((first, second) => first.id - second.id);
  const autoLeave = outgoingVoters.length > 0;
  const who = { voters, outgoingVoters, learners, nextLearners: [] };
  return { configuration: { ...who, autoLeave, members }, bindings: bindingsOf(change.add) };
}

function ascending(first: NodeId, second: NodeId): number {
  return first - second;
}

function promote(member: Member, promoted: ReadonlySet<NodeId>): Member {
  return promoted.has(member.id) ? { ...member, role: 'voter', promotable: false } : member;
}

function bindingsOf(added: readonly NewLearner[]): Binding[] {
  const bindings: Binding[] = [];
  for (const { id, instanceId } of added) {
    if (instanceId !== undefined) bindings.push({ nodeId: id, instanceId });
  }
  return bindings;
}

function whatIsImpossible(
  current: Configuration,
  { add, promote: promoted, remove }: MembershipChange,
): ImpossibleChange | undefined {
  if (isJoint(current)) return 'changeInFlight';
  if (add.length + promoted.length + remove.length === 0) return 'noChange';
  const ids = [...add.map(({ id }) => id), ...promoted];
  if (new Set(ids).size < ids.length || new Set(remove).size < remove.length) return 'noChange';
  for (const id of remove) {
    if (!isMember(current, id)) return 'unknownMember';
    if (promoted.includes(id)) return 'noChange';
    // In a joint state one node id would stand for two members.
    const isReplaced = add.some((learner) => learner.id === id);
    if (isReplaced && isVoter(current, id) && promoted.length + remove.length > 1) {
      return 'noChange';
    }
  }
  for (const { id } of add) {
    if (isMember(current, id) && !remove.includes(id)) return 'knownMember';
  }
  for (const id of promoted) {
    const member = current.members.find((one) => one.id === id);
    if (member === undefined) return 'unknownMember';
    if (member.role === 'voter') return 'noChange';
    if (!member.promotable) return 'readOnlyLearner';
  }
  return undefined;
}

/** The end of a joint configuration: the incoming half alone. */
export function leaveJoint(current: Configuration): ConfigurationChange {
  const { voters, learners, nextLearners } = current;
  const demoted = new Set(nextLearners);
  const remaining = [...learners, ...nextLearners].sort(ascending);
  const members: Member[] = [];
  for (const member of current.members) {
    if (demoted.has(member.id)) members.push({ ...member, role: 'learner' });
    else if (voters.includes(member.id) || learners.includes(member.id)) members.push(member);
  }
  const who = { voters, outgoingVoters: [], learners: remaining, nextLearners: [] };
  return { configuration: { ...who, autoLeave: false, members }, bindings: [] };
}
