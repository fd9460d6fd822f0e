import type { InstanceId, LogIndex, NodeId, Term } from '@d-engine/base';
import type { Configuration, HardState, Role } from '@d-engine/raft';
import type { AppliedState } from '../../src/invariants/applied-states.ts';
import { CommittedEntries } from '../../src/invariants/committed-entries.ts';
import type { DurableEntries } from '../../src/invariants/durable-log.ts';
import type { DurableSnapshot } from '../../src/invariants/durable-snapshots.ts';
import type { DurableVote } from '../../src/invariants/durable-vote.ts';
import { Invariants } from '../../src/invariants/invariants.ts';
import { Losses } from '../../src/invariants/losses.ts';
import type { MemberView } from '../../src/invariants/member-view.ts';

export function configurationOf(voters: readonly NodeId[]): Configuration {
  return {
    voters,
    outgoingVoters: [],
    learners: [],
    nextLearners: [],
    autoLeave: false,
    members: [],
  };
}

/** A member that is whatever a test says that it is. */
export class FakeMember implements MemberView {
  readonly nodeId: NodeId;
  instanceId: InstanceId;
  life: object = {};
  role: Role = 'follower';
  term: Term = 1;
  leaderId: NodeId | null = null;
  durableIndex: LogIndex = 0;
  commitIndex: LogIndex = 0;
  verifiedIndex: LogIndex = 0;
  appliedIndex: LogIndex = 0;
  votedFor: HardState['votedFor'] = null;
  isHardStateDurable = true;
  configuration: Configuration = configurationOf([1, 2, 3]);
  electionTimeoutMaxMs = 1_000;
  monotonicMs = 0;
  awakeMs = 0;
  isStopping = false;
  /** When it heard of each voter as the leader of its present term. */
  readonly heardMs: Map<NodeId, number> = new Map();
  /** Voters that it does not know to count. */
  readonly unbound: Set<NodeId> = new Set();
  isRecovering = false;
  acknowledgesFromMemory = false;
  /** Entries that say who belongs to the cluster. */
  readonly ofMembers: Set<LogIndex> = new Set();
  isAwake = true;
  hasLease = false;
  /** After an entry, where it is not what the others have there. */
  readonly states: Map<LogIndex, string> = new Map();
  #takenIndex: LogIndex = 0;
  owesItsVote = true;
  /** The terms of the entries, the first one at index 1. */
  log: Term[] = [];
  /** On its disk, where that is another log than `log`. */
  platter: Term[] | undefined;
  /** On its disk, where that is another vote than the one it says. */
  voteOnPlatter: DurableVote | undefined;
  /** What is before it is in a snapshot only. */
  firstLogIndex: LogIndex = 1;
  /** On its disk. */
  snapshots: readonly DurableSnapshot[] = [];
  platterFirstIndex: LogIndex = 1;
  /** Of entries whose bytes are not what the others hold. */
  readonly oddBytes: Set<LogIndex> = new Set();
  readonly oddBytesOnPlatter: Set<LogIndex> = new Set();
  /** Where bytes stand behind the end of its log. */
  bytesBehindLog: string | undefined;
  /** As after a restart: what was recovered is on disk only. */
  hasBytes = true;

  constructor(nodeId: NodeId) {
    this.nodeId = nodeId;
    this.instanceId = instanceOf(nodeId);
  }

  boundInstance(voter: NodeId): InstanceId | undefined {
    return this.unbound.has(voter) ? undefined : instanceOf(voter);
  }

  /** All that it has, unless that has to be on disk first. */
  get heldIndex(): LogIndex {
    const fromMemory = this.acknowledgesFromMemory && !this.isRecovering;
    return fromMemory ? this.lastLogIndex : this.durableIndex;
  }

  isBound({ nodeId, instanceId }: Pick<MemberView, 'nodeId' | 'instanceId'>): boolean {
    return this.boundInstance(nodeId) === instanceId;
  }

  isOfMembers(index: LogIndex): boolean {
    return this.ofMembers.has(index);
  }

  durableSnapshots(): readonly DurableSnapshot[] {
    return this.snapshots;
  }

  get lastLogIndex(): LogIndex {
    return this.log.length;
  }

  termAt(index: LogIndex): Term | undefined {
    return index === 0 ? 0 : this.log[index - 1];
  }

  checksumAt(index: LogIndex): number | undefined {
    if (!this.hasBytes) return undefined;
    return checksum(this.log[index - 1], this.oddBytes.has(index));
  }

  durableLog(): DurableEntries {
    const log = this.platter ?? this.log;
    return {
      firstIndex: this.platterFirstIndex,
      at: (index) => {
        const term = log[index - 1];
        if (term === undefined) return undefined;
        return { term, checksum: checksum(term, this.oddBytesOnPlatter.has(index)) };
      },
      remains: () => this.bytesBehindLog,
    };
  }

  durableVotes(): readonly DurableVote[] {
    const onPlatter = this.voteOnPlatter ?? this;
    return [onPlatter, onPlatter].map(({ term, votedFor }) => ({ term, votedFor }));
  }

  leaseValid(): boolean {
    return this.hasLease;
  }

  heardAtMs(voter: NodeId): number | undefined {
    return this.heardMs.get(voter);
  }

  takeAppliedStates(): readonly AppliedState[] {
    const states: AppliedState[] = [];
    while (this.#takenIndex < this.appliedIndex) {
      const index = ++this.#takenIndex;
      states.push({ index, hash: `${index} ${this.states.get(index) ?? ''}` });
    }
    return states;
  }

  /** Applies up to here without a word. */
  skipsStatesTo(index: LogIndex): void {
    this.#takenIndex = index;
  }

  votesFor(nodeId: NodeId): void {
    this.votedFor = { nodeId, instanceId: instanceOf(nodeId) };
  }

  /** Takes over a log and all that follows from having it. */
  holds(log: readonly Term[]): void {
    this.log = [...log];
    this.durableIndex = log.length;
    this.verifiedIndex = log.length;
  }

  /** Starts anew on an empty disk. */
  isWiped(): void {
    this.restarts();
    this.instanceId = `another ${this.instanceId}`;
    this.term = 1;
    this.votedFor = null;
    this.commitIndex = 0;
    this.holds([]);
    this.skipsStatesTo(0);
  }

  restarts(): void {
    this.life = {};
    this.role = 'follower';
    this.leaderId = null;
    this.appliedIndex = 0;
    this.#takenIndex = 0;
  }
}

function instanceOf(nodeId: NodeId): InstanceId {
  return `instance ${nodeId}`;
}

function checksum(term: Term | undefined, isOdd: boolean): number {
  return (term ?? 0) * 2 + (isOdd ? 1 : 0);
}

/** Three members that elected node 1 in term 1, and what the checks say of them. */
export class FakeCluster {
  readonly members: readonly [FakeMember, FakeMember, FakeMember] = [
    new FakeMember(1),
    new FakeMember(2),
    new FakeMember(3),
  ];
  readonly invariants: Invariants;
  readonly losses: Losses;

  constructor() {
    const committed = new CommittedEntries();
    this.losses = new Losses(committed, () => 0);
    this.invariants = new Invariants(() => this.members, committed, this.losses);
    for (const member of this.members) member.votesFor(1);
    this.step();
    this.members[0].role = 'leader';
    for (const member of this.members) member.leaderId = 1;
    this.step();
  }

  step(): void {
    this.invariants.check();
  }

  /** The names of the checks that have something to say, after one more step. */
  problems(): string[] {
    // Not every event looks at every lease.
    for (let event = 0; event < 16; event++) this.step();
    return [...new Set(this.invariants.violations.map(({ check }) => check))];
  }

  /** All hold and have applied the same entries of term 1. */
  replicate(count: number): void {
    const [leader, second, third] = this.members;
    const log = Array.from({ length: count }, () => 1);
    for (const member of this.members) member.holds(log);
    this.step();
    for (const member of [leader, second, third]) {
      member.commitIndex = count;
      member.appliedIndex = count;
      this.step();
    }
  }
}

/** Three members with five committed entries of term 1, led by node 1. */
export function settled(): FakeCluster {
  const cluster = new FakeCluster();
  cluster.replicate(5);
  return cluster;
}

export function elect(cluster: FakeCluster, position: 0 | 1 | 2, term: number): void {
  const leader = cluster.members[position];
  for (const member of cluster.members) {
    member.term = term;
    member.votesFor(leader.nodeId);
    member.role = 'follower';
  }
  cluster.step();
  leader.role = 'leader';
}

/** Nodes 2 and 3 vote for node 2 in term 2, which leads once the test says so. */
export function voteForSecond(cluster: FakeCluster): void {
  const [, second, third] = cluster.members;
  for (const member of [second, third]) {
    member.term = 2;
    member.votesFor(2);
  }
}

/** Node 2 leads term 2 by the votes of 2 and 3, which hold an entry of it behind five others. */
export function succeed(cluster: FakeCluster): void {
  voteForSecond(cluster);
  cluster.step();
  const [, second, third] = cluster.members;
  second.role = 'leader';
  for (const member of [second, third]) member.holds([1, 1, 1, 1, 1, 2]);
}
