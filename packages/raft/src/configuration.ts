import type { Address, ClusterId, HistoryId, InstanceId, LogIndex, NodeId } from '@d-engine/base';
import { assert } from '@d-engine/base';

/** A member as configuration names it. */
export interface Member {
  readonly id: NodeId;
  readonly address: Address;
  readonly role: 'voter' | 'learner';
  /** A learner that may become a voter once it has caught up. */
  readonly promotable: boolean;
}

/**
 * Who counts in quorums as of one log index. Joint while `outgoingVoters` is not empty (Raft
 * dissertation, section 4.3).
 */
export interface Configuration {
  readonly voters: readonly NodeId[];
  readonly outgoingVoters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /** Demoted voters of a joint configuration that become learners when it ends. */
  readonly nextLearners: readonly NodeId[];
  /** The leader ends the joint state by itself as soon as it may. */
  readonly autoLeave: boolean;
  /** Everybody who gets the log: both halves, and the learners. */
  readonly members: readonly Member[];
}

/** The payload of a configuration entry: who belongs to the cluster from its append on. */
export interface ConfigurationChange {
  readonly configuration: Configuration;
  /** Of members that it adds. They take the place of older ones of the same node ids. */
  readonly bindings: readonly Binding[];
}

/** The payload of a bootstrap entry: the birth of a cluster (design rule 2). */
export interface Bootstrap {
  readonly clusterId: ClusterId;
  readonly historyId: HistoryId;
  /** Wall clock of the first leader; only to tell which of two clusters is the older one. */
  readonly formedAtWallMs: number;
  readonly members: readonly Member[];
  /** The instance of each voter whose vote the first leader counted. */
  readonly bindings: readonly Binding[];
}

/** Ties a node id to one data directory. Also the payload of a binding entry. */
export interface Binding {
  readonly nodeId: NodeId;
  readonly instanceId: InstanceId;
}

/** A binding as it stands in the log. */
export interface BoundMember extends Binding {
  /** The entry that bound it. Counts in quorums once that entry is committed. */
  readonly index: LogIndex;
}

const nobody: readonly NodeId[] = [];

/** The configuration in which `members` are all there is to know. */
export function configurationOf(members: readonly Member[]): Configuration {
  const sorted = [...members].sort((first, second) => first.id - second.id);
  for (const [position, member] of sorted.entries()) {
    assert(sorted[position + 1]?.id !== member.id, () => `member ${member.id} is named twice`);
  }
  return {
    voters: sorted.filter((member) => member.role === 'voter').map((member) => member.id),
    outgoingVoters: nobody,
    learners: sorted.filter((member) => member.role === 'learner').map((member) => member.id),
    nextLearners: nobody,
    autoLeave: false,
    members: sorted,
  };
}

/** Whether `nodeId` has a vote, in either half when joint. */
export function isVoter(configuration: Configuration, nodeId: NodeId): boolean {
  return configuration.voters.includes(nodeId) || configuration.outgoingVoters.includes(nodeId);
}

export function isJoint(configuration: Configuration): boolean {
  return configuration.outgoingVoters.length > 0;
}

export function isMember(configuration: Configuration, nodeId: NodeId): boolean {
  return configuration.members.some(({ id }) => id === nodeId);
}

/** Whether `nodeId` is a quorum by itself. */
export function isOnlyVoter(configuration: Configuration, nodeId: NodeId): boolean {
  const { voters, outgoingVoters } = configuration;
  return voters.length === 1 && voters[0] === nodeId && outgoingVoters.length === 0;
}

/** Every voter of both halves but `nodeId`, each once. */
export function otherVoters(configuration: Configuration, nodeId: NodeId): NodeId[] {
  const others = new Set([...configuration.voters, ...configuration.outgoingVoters]);
  others.delete(nodeId);
  return [...others];
}
