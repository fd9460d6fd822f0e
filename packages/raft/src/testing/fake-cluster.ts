import type { Entry, InstanceId, Instant, LogIndex, NodeId, Proposal, Term } from '@d-engine/base';
import { entryKinds, must } from '@d-engine/base';
import type { Member } from '../configuration.ts';
import type { Effects, ReadOutcome } from '../effects.ts';
import { initialVotersHash } from '../formation.ts';
import type { RaftMessage } from '../messages.ts';
import { Raft } from '../raft.ts';
import type { PeerHello, ProposeResult, RaftConfig } from '../raft-config.ts';
import type { FakeSnapshot } from './fake-disk.ts';
import { FakeDisk } from './fake-disk.ts';
import { configurationProblem, isHeldByQuorum } from './log-configurations.ts';

export interface Flying {
  readonly from: NodeId;
  readonly instanceId: InstanceId;
  readonly bootCount: number;
  readonly to: NodeId;
  readonly message: RaftMessage;
}

/** A snapshot on its way. */
export interface FakeTransfer {
  readonly from: NodeId;
  readonly to: NodeId;
  /** Of the receiver, as the sender knows it. */
  readonly instanceId: InstanceId;
  readonly leaderTerm: Term;
  readonly snapshot: FakeSnapshot;
}

export interface FakeNode {
  readonly id: NodeId;
  disk: FakeDisk;
  raft: Raft | undefined;
  instance: number;
  bootCount: number;
  applied: LogIndex;
  strategy: RaftConfig['strategy'];
  /** What its run record says: a run may have acknowledged what its log lacks now. */
  mayLack: boolean;
  /** Every entry that was ever in its log, durable or not: `index@term`. */
  readonly held: Set<string>;
  reads: ReadOutcome[];
}

export const electionTimeoutMinMs = 300;
export const electionTimeoutMaxMs = 600;

export function members(voters: number, learners = 0): Member[] {
  return Array.from({ length: voters + learners }, (_, position) => ({
    id: position + 1,
    address: `host-${position + 1}:1`,
    role: position < voters ? ('voter' as const) : ('learner' as const),
    promotable: false,
  }));
}

export function command(text: string): Proposal {
  return { kind: entryKinds.command, payload: Buffer.from(text) };
}

/** Members, their disks and the network between them, with all safety properties watched. */
export class FakeCluster {
  readonly nodes: readonly FakeNode[];
  readonly members: readonly Member[];
  readonly flying: Flying[] = [];
  readonly transfers: FakeTransfer[] = [];
  /** How many snapshots took the place of a log. */
  installs = 0;
  bufferedEntriesMax = 10_000;
  /** How often a leader began a new history. */
  losses = 0;
  /** Disks finish a write at once. */
  diskAtOnce = true;
  /** Else only those that somebody waits for; others wait for the next one, or for ever. */
  awaitedAtOnce = false;
  /** Returns true for a message that gets lost. */
  loses: (flying: Flying) => boolean = () => false;
  nowMs = 1000;
  readonly #random: () => number;
  readonly #leaders: Map<Term, NodeId> = new Map();
  readonly #committed: Entry[] = [];
  readonly #readFloors: Map<string, LogIndex> = new Map();
  readonly #configurationsSeen: Map<NodeId, string> = new Map();
  #ids = 0;

  /** `spares`: so many nodes more that are no members yet. */
  constructor(list: readonly Member[], random: () => number, spares = 0) {
    this.members = list;
    this.#random = random;
    const ids = Array.from({ length: list.length + spares }, (_, position) => position + 1);
    this.nodes = ids.map((id) => ({
      id,
      disk: new FakeDisk(),
      raft: undefined,
      instance: 1,
      bootCount: 0,
      strategy: 'DiskFirst' as const,
      mayLack: false,
      held: new Set<string>(),
      applied: 0,
      reads: [],
    }));
  }

  get at(): Instant {
    return { monotonicMs: this.nowMs, wallMs: 1_700_000_000_000 + this.nowMs };
  }

  get committedIndex(): LogIndex {
    return this.#committed.length;
  }

  node(id: NodeId): FakeNode {
    return must(this.nodes[id - 1], `node ${id}`);
  }

  raft(id: NodeId): Raft {
    return must(this.node(id).raft, `running node ${id}`);
  }

  get leader(): Raft | undefined {
    let newest: Raft | undefined;
    for (const { raft } of this.nodes) {
      if (raft?.role === 'leader' && raft.term > (newest?.term ?? 0)) newest = raft;
    }
    return newest;
  }

  instanceOf(node: FakeNode): InstanceId {
    return `instance-${node.id}-${node.instance}`;
  }

  start(id: NodeId, goneVoters: readonly NodeId[] = []): void {
    const node = this.node(id);
    node.bootCount += 1;
    node.applied = 0;
    const config: RaftConfig = {
      nodeId: id,
      instanceId: this.instanceOf(node),
      bootCount: node.bootCount,
      strategy: node.strategy,
      initialMembers: this.#initialMembersOf(id),
      electionTimeoutMinMs,
      electionTimeoutMaxMs,
      heartbeatIntervalMs: 50,
      leaseDurationMs: 250,
      commitNoticeDelayMs: 0,
      appendEntriesMax: 8,
      bufferedEntriesMax: this.bufferedEntriesMax,
      random: this.#random,
      newId: () => `${++this.#ids}`.padStart(32, '0'),
    };
    const found = node.disk.recovered();
    const recovering = node.mayLack && (found.everFormed || found.lastIndex > 0);
    node.mayLack = recovering || node.strategy === 'MemFirst';
    const recovered = { ...found, recovering, goneVoters };
    node.raft = new Raft(config, recovered, this.at);
    node.applied = recovered.snapshot?.index ?? 0;
    node.raft.applied(node.applied);
    this.settle(node);
    for (const other of this.nodes) {
      if (other.id === id || other.raft === undefined) continue;
      node.raft.peerHello(this.hello(other), this.at);
    }
    this.announce(node);
  }

  /** A node that is no member yet is configured as a learner of the others. */
  #initialMembersOf(id: NodeId): readonly Member[] {
    if (this.members.some((member) => member.id === id)) return this.members;
    const self = { id, address: `host-${id}:1`, role: 'learner' as const, promotable: true };
    return [...this.members, self];
  }

  /** The node says hello to all others, for the first time or anew. */
  announce(node: FakeNode): void {
    for (const other of this.nodes) {
      if (other === node || other.raft === undefined) continue;
      other.raft.peerHello(this.hello(node), this.at);
      this.settle(other);
    }
    this.settle(node);
  }

  /** A clean stop: all is on disk, and the run record says so. */
  stop(id: NodeId): void {
    const node = this.node(id);
    node.mayLack = node.raft?.recovering ?? node.mayLack;
    this.crash(id, node.disk.pendingCount);
  }

  startAll(): void {
    for (const { id } of this.nodes) this.start(id);
  }

  hello(node: FakeNode): PeerHello {
    const { raft } = node;
    const empty = raft === undefined || raft.durableIndex === 0;
    return {
      nodeId: node.id,
      instanceId: this.instanceOf(node),
      bootCount: node.bootCount,
      state: empty ? 'empty' : 'formed',
      // Nobody listens to whom it does not know while a cluster forms.
      initialVotersHash: initialVotersHash(this.members),
      clusterId: raft?.clusterId ?? null,
      recovering: raft?.recovering ?? false,
    };
  }

  crash(id: NodeId, kept = 0): void {
    const node = this.node(id);
    node.raft = undefined;
    node.disk.crash(kept);
    for (const read of this.#readFloors.keys()) {
      if (read.startsWith(`${id} `)) this.#readFloors.delete(read);
    }
    for (const other of this.nodes) {
      other.raft?.peerLost(id, 'data', this.at);
      other.raft?.peerLost(id, 'control', this.at);
      this.settle(other);
    }
  }

  wipe(id: NodeId): void {
    this.crash(id);
    const node = this.node(id);
    node.disk = new FakeDisk();
    node.instance += 1;
    node.bootCount = 0;
    node.mayLack = false;
    node.held.clear();
  }

  /** Carries out what the node wants, then watches the rules. */
  settle(node: FakeNode): void {
    const { raft } = node;
    if (raft === undefined) return;
    while (raft.hasEffects()) this.#carryOut(node, raft, raft.takeEffects());
    if (raft.commitIndex > node.applied) {
      node.applied = raft.commitIndex;
      raft.applied(node.applied);
    }
    this.#watch(node, raft);
    const awaited = this.awaitedAtOnce && node.disk.isAwaited;
    if ((this.diskAtOnce && node.disk.pendingCount > 0) || awaited) {
      this.finishWrites(node.id, 1000);
    }
  }

  #carryOut(node: FakeNode, raft: Raft, effects: Effects): void {
    if (effects.persist !== undefined) {
      node.disk.write(effects.persist);
      for (const { index, term } of effects.persist.entries) node.held.add(`${index}@${term}`);
    }
    for (const { to, message } of effects.messages) {
      watchPromise(node, to, message);
      const { bootCount } = node;
      const flying = { from: node.id, instanceId: this.instanceOf(node), bootCount, to, message };
      if (!this.loses(flying)) this.flying.push(flying);
    }
    for (const read of effects.reads) {
      node.reads.push(read);
      const key = `${node.id} ${read.readId}`;
      const floor = this.#readFloors.get(key);
      if (floor === undefined) throw new Error(`read ${key} was answered twice`);
      this.#readFloors.delete(key);
      if (read.type === 'ready' && read.index < floor) throw new Error('a read misses a write');
    }
    for (const notice of effects.notices) {
      if (notice.type === 'possibleDataLoss') this.#giveUp(notice.index);
      // Its hello says from now on of which cluster it is.
      if (notice.type === 'formed') this.announce(node);
      if (notice.type !== 'recovered') continue;
      node.mayLack = node.strategy === 'MemFirst';
      this.announce(node);
    }
    for (const { peer, from, to } of effects.entriesWanted) {
      raft.entriesRead(peer, node.disk.readLog(from, to), this.at);
    }
    for (const { peer, instanceId } of effects.snapshotsWanted) {
      const snapshot = must(node.disk.snapshot, 'a log that begins later has a snapshot');
      raft.snapshotChosen(peer, instanceId, snapshot.raft.index);
      const { term: leaderTerm } = raft;
      this.transfers.push({ from: node.id, to: peer, instanceId, leaderTerm, snapshot });
    }
  }

  /** Everybody was told that what stands above `told` may be gone. Whoever has it keeps it. */
  #giveUp(told: LogIndex): void {
    this.losses += 1;
    const known = this.nodes.map(({ raft, disk }) => raft?.commitIndex ?? disk.durable.commitIndex);
    const index = Math.max(told, ...known);
    this.#committed.length = Math.min(this.#committed.length, index);
    for (const [read, floor] of this.#readFloors) {
      this.#readFloors.set(read, Math.min(floor, index));
    }
  }

  /** Takes a snapshot of what is applied and drops the log behind it, but for `keep` entries. */
  takeSnapshot(id: NodeId, keep: number): void {
    const node = this.node(id);
    const raft = this.raft(id);
    if (node.applied <= (node.disk.snapshot?.raft.index ?? 0)) return;
    const entries = node.disk.read(1, node.applied);
    const { clusterTimeMs } = must(entries[entries.length - 1], 'the last entry applied');
    node.disk.saveSnapshot({ raft: { ...raft.snapshotAt(node.applied), clusterTimeMs }, entries });
    const upTo = Math.min(node.applied - keep, raft.durableIndex);
    if (upTo < raft.firstLogIndex) return;
    raft.compacted(upTo);
    node.disk.purge(upTo);
    this.settle(node);
  }

  /** One transfer comes to its end. */
  endTransfer(position: number, fails: boolean): void {
    const [transfer] = this.transfers.splice(position, 1);
    if (transfer === undefined) return;
    const { from, to, instanceId, leaderTerm } = transfer;
    const receiver = this.node(to);
    const { raft } = receiver;
    const heard = raft !== undefined && raft.term >= leaderTerm;
    if (fails || !heard || this.instanceOf(receiver) !== instanceId) {
      this.node(from).raft?.snapshotFailed(to, instanceId);
    } else {
      this.#install(receiver, raft, transfer);
      this.node(from).raft?.snapshotSent(to, instanceId, transfer.snapshot.raft.index);
    }
    this.settle(this.node(from));
  }

  #install(node: FakeNode, raft: Raft, { snapshot, leaderTerm }: FakeTransfer): void {
    node.disk.saveSnapshot(snapshot);
    const verdict = raft.installSnapshot(snapshot.raft, leaderTerm, this.at);
    if (verdict === 'installed') {
      this.installs += 1;
      node.applied = snapshot.raft.index;
      raft.applied(node.applied);
    }
    this.settle(node);
  }

  finishWrites(id: NodeId, count: number): void {
    const node = this.node(id);
    const writeId = node.disk.finish(count);
    if (writeId === undefined || node.raft === undefined) return;
    node.raft.persisted(writeId, this.at);
    this.settle(node);
  }

  tick(id: NodeId): void {
    const node = this.node(id);
    node.raft?.tick(this.at);
    this.settle(node);
  }

  deliver(position = 0): void {
    const [flying] = this.flying.splice(position, 1);
    if (flying !== undefined) this.handOver(flying);
  }

  handOver({ from, instanceId, bootCount, to, message }: Flying): void {
    const node = this.node(to);
    node.raft?.step({ nodeId: from, instanceId, bootCount }, message, this.at);
    this.settle(node);
  }

  /** Delivers everything, in order, until nothing flies. */
  deliverAll(): void {
    // One that fails is asked for again at once: its sender has to pause.
    let transfers = this.transfers.length;
    for (let count = 0; this.flying.length + transfers > 0; count++) {
      if (count > 100_000) throw new Error('messages without end');
      if (this.flying.length > 0) this.deliver();
      else {
        this.endTransfer(0, false);
        transfers -= 1;
      }
    }
  }

  /** Lets time pass, with ticks and deliveries as they are due. */
  run(durationMs: number, stepMs = 10): void {
    const end = this.nowMs + durationMs;
    while (this.nowMs < end) {
      this.nowMs += stepMs;
      for (const { id, raft } of this.nodes) {
        if (raft !== undefined && raft.nextTickAtMs() <= this.nowMs) this.tick(id);
      }
      this.deliverAll();
    }
  }

  propose(id: NodeId, text: string): ProposeResult {
    const result = this.raft(id).propose([command(text)], this.at);
    this.settle(this.node(id));
    return result;
  }

  read(id: NodeId, readId: number): void {
    this.#readFloors.set(`${id} ${readId}`, this.committedIndex);
    this.raft(id).readIndex(readId, this.at);
    this.settle(this.node(id));
  }

  /** Election safety, state machine safety, and that a lease excludes any newer leader. */
  #watch(node: FakeNode, raft: Raft): void {
    if (raft.role === 'leader') {
      const other = this.#leaders.get(raft.term);
      if (other !== undefined && other !== node.id) throw new Error(`two lead ${raft.term}`);
      this.#leaders.set(raft.term, node.id);
    }
    const log = node.disk.read(1, raft.commitIndex);
    if (log.length < raft.commitIndex) throw new Error('commit beyond the log');
    const known = Math.min(this.#committed.length, log.length);
    for (let position = Math.max(0, known - 20); position < known; position++) {
      const [own, agreed] = [log[position], this.#committed[position]];
      if (own?.term !== agreed?.term) throw new Error(`node ${node.id} differs at ${position + 1}`);
      if (own === undefined || agreed === undefined) throw new Error('an entry is missing');
      if (Buffer.compare(own.encoded, agreed.encoded) !== 0) throw new Error('bytes differ');
    }
    if (log.length > this.#committed.length) this.#watchCommit(node, raft, log);
    for (const entry of log.slice(known)) this.#committed.push(entry);
    for (const holder of this.nodes) {
      if (holder.raft?.leaseValid(this.at) !== true) continue;
      if (holder.raft.commitIndex < this.#committed.length) throw new Error('lease of an old one');
      if (raft.role === 'leader' && raft.term > holder.raft.term)
        throw new Error('lease is broken');
    }
    // Said again only where a change or its commit may have made a difference.
    const seen = `${raft.configurationIndex} ${this.#committed.length}`;
    if (this.#configurationsSeen.get(node.id) === seen) return;
    this.#configurationsSeen.set(node.id, seen);
    const whole = node.disk.read(1, raft.lastLogIndex);
    const problem = configurationProblem(whole, raft.configuration, this.#committed.length);
    if (problem !== undefined) throw new Error(`node ${node.id} ${problem}`);
  }

  /** Only a leader commits first, an entry of its own term, that a majority of disks holds. */
  #watchCommit(node: FakeNode, raft: Raft, log: readonly Entry[]): void {
    const top = must(log[log.length - 1], 'the committed entry');
    // One that was removed has stepped down by now.
    const leads = this.#leaders.get(raft.term) === node.id;
    if (!leads) throw new Error(`node ${node.id} commits by itself`);
    if (top.term !== raft.term) throw new Error('an entry of an old term is committed by count');
    // With MemFirst it may be in memory only, or lost since it was acknowledged.
    const everHeld = this.nodes.some(({ strategy }) => strategy === 'MemFirst');
    const isHolding = (id: NodeId): boolean => {
      const { disk, instance } = this.node(id);
      // A wiped one may have acknowledged before; that its disk is gone is nobody's mistake.
      const held =
        instance > 1 ||
        disk.durable.entries[top.index - 1]?.term === top.term ||
        (everHeld && this.node(id).held.has(`${top.index}@${top.term}`));
      return held && raft.bindings.some(({ nodeId }) => nodeId === id);
    };
    if (!isHeldByQuorum(node.disk.read(1, raft.lastLogIndex), isHolding)) {
      throw new Error(`${top.index} is committed by a minority`);
    }
  }
}

/** What a message promises must be on disk when it leaves. */
function watchPromise(node: FakeNode, to: NodeId, message: RaftMessage): void {
  const { hardState, entries } = node.disk.durable;
  const { type, term } = message;
  const onDisk = hardState?.term ?? 0;
  if (type === 'preVoteRequest' || (type === 'voteResponse' && message.preVote)) return;
  if (type === 'readIndexRequest' || type === 'readIndexResponse') return;
  if (onDisk < term) throw new Error(`${type} leaves before its term is on disk`);
  if (type === 'voteRequest' && hardState?.votedFor?.nodeId !== node.id) {
    throw new Error('a candidate asks for votes before its own is on disk');
  }
  if (type === 'voteResponse' && message.granted && hardState?.votedFor?.nodeId !== to) {
    throw new Error('a vote leaves before it is on disk');
  }
  let matchIndex = 0;
  if (type === 'heartbeatResponse') matchIndex = message.matchIndex;
  if (type === 'appendResponse' && message.result.type === 'matched') {
    matchIndex = message.result.matchIndex;
  }
  if (matchIndex === 0) return;
  if (node.strategy === 'MemFirst' && node.raft?.recovering === false) return;
  const latest = node.disk.read(matchIndex, matchIndex)[0];
  if (latest === undefined || entries[matchIndex - 1]?.term !== latest.term) {
    throw new Error(`${matchIndex} is acknowledged before it is on disk`);
  }
}
