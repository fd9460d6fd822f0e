import type { Clock, MemberStatus, NodeRole, NodeStatus } from '@d-engine/base';
import type { Member, PeerProgress, Raft } from '@d-engine/raft';
import type { StateMachine, Storage } from '@d-engine/storage';
import type { MemberLeadership } from './leadership.ts';
import type { MemberAddresses } from './member-addresses.ts';
import type { MemberCondition } from './member-condition.ts';
import type { NodeSettings } from './settings.ts';

const roles: Readonly<Record<Raft['role'], NodeRole>> = {
  leader: 'leader',
  follower: 'follower',
  preCandidate: 'candidate',
  candidate: 'candidate',
  learner: 'learner',
};

/** The parts that a status is read from. */
export interface StatusSources {
  readonly raft: Raft;
  readonly stateMachine: StateMachine;
  readonly storage: Storage;
  readonly settings: NodeSettings;
  readonly condition: MemberCondition;
  readonly leadership: MemberLeadership;
  readonly addresses: MemberAddresses;
  readonly clock: Clock;
}

/** What this member knows right now; local, and never waits for others. */
export function nodeStatus(sources: StatusSources): NodeStatus {
  const { raft, stateMachine, storage, settings, condition, leadership } = sources;
  const clusterId = storage.identity.clusterId;
  const { condition: name, reason } = condition.describe(clusterId !== null, raft.recovering);
  return {
    nodeId: settings.nodeId,
    clusterId,
    version: settings.version,
    role: roles[raft.role],
    condition: name,
    conditionReason: reason,
    term: raft.term,
    leader: leadership.hint ?? null,
    commitIndex: raft.commitIndex,
    appliedIndex: stateMachine.appliedIndex,
    lastLogIndex: raft.lastLogIndex,
    durableIndex: raft.durableIndex,
    revision: stateMachine.revision,
    members: memberStatuses(sources),
  };
}

function memberStatuses(sources: StatusSources): MemberStatus[] {
  const { raft, settings, addresses, clock } = sources;
  const leads = raft.role === 'leader';
  const progress = new Map(raft.progress().map((peer) => [peer.nodeId, peer]));
  const now = clock.monotonicMs();
  return raft.configuration.members.map((member) => {
    const base = {
      id: member.id,
      address: addresses.toTell(member.id) ?? member.address,
      role: member.role,
      status: statusOf(member),
    };
    const peer = progress.get(member.id);
    if (leads && member.id === settings.nodeId) {
      return { ...base, matchIndex: raft.durableIndex, lag: 0, lastContactMs: 0 };
    }
    if (!leads || peer === undefined) {
      return { ...base, matchIndex: null, lag: null, lastContactMs: null };
    }
    return { ...base, ...peerNumbers(peer, raft.lastLogIndex, now) };
  });
}

function peerNumbers(
  peer: PeerProgress,
  lastLogIndex: number,
  now: number,
): { matchIndex: number | null; lag: number | null; lastContactMs: number | null } {
  const { lastContactMs } = peer;
  // A new leader knows nothing of a log before its first answer.
  const matchIndex = peer.matchIndex === 0 ? null : peer.matchIndex;
  return {
    matchIndex,
    lag: matchIndex === null ? null : lastLogIndex - matchIndex,
    lastContactMs: lastContactMs === undefined ? null : Math.round(now - lastContactMs),
  };
}

function statusOf(member: Member): MemberStatus['status'] {
  if (member.role === 'voter') return 'active';
  return member.promotable ? 'promotable' : 'read_only';
}
