import type { Entry, InstanceId, LogIndex, NodeId, Term } from '@d-engine/base';
import { assert, must } from '@d-engine/base';
import { formatNotice, formatPersist, formatRead, formatStateChange } from './format-effects.ts';
import { formatEntries } from './format-entry.ts';
import { formatInFlight } from './format-message.ts';
import { Judge } from './judge.ts';
import { instanceName } from './names.ts';
import { PromiseJudge } from './promise-judge.ts';
import type {
  Effects,
  EntriesWanted,
  Outgoing,
  Persist,
  Raft,
  SnapshotWanted,
} from './raft-under-test.ts';
import { ScriptError } from './script.ts';
import type { SimulatedSnapshot } from './simulated-disk.ts';
import type { InFlight } from './simulated-network.ts';
import { SimulatedNetwork } from './simulated-network.ts';
import type { SimulatedNode } from './simulated-node.ts';
import { Trace } from './trace.ts';
import { VirtualClock } from './virtual-clock.ts';

/** A snapshot on its way, until the script says what became of it. */
export interface SimulatedTransfer {
  readonly from: NodeId;
  readonly to: NodeId;
  /** Of the receiver, as the sender knows it. */
  readonly instanceId: InstanceId;
  readonly leaderTerm: Term;
  readonly snapshot: SimulatedSnapshot;
}

/** More effects than this from one input is a loop. */
const settleRoundsMax = 1000;

/**
 * The runtime of all nodes: hands inputs to the class under test and carries its effects out, on
 * one thread and without promises. Everything that happens goes to the trace and to the judge.
 */
export class Cluster {
  readonly nodes: Map<NodeId, SimulatedNode> = new Map();
  readonly clock: VirtualClock = new VirtualClock();
  readonly network: SimulatedNetwork = new SimulatedNetwork();
  readonly trace: Trace = new Trace();
  readonly judge: Judge = new Judge();
  readonly promises: PromiseJudge = new PromiseJudge();
  readonly transfers: SimulatedTransfer[] = [];
  nextReadId = 1;

  node(id: NodeId): SimulatedNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new ScriptError(`there is no node ${id}`);
    return node;
  }

  runningNodes(): readonly SimulatedNode[] {
    return [...this.nodes.values()].filter(({ raft }) => raft !== undefined);
  }

  /** Gives one input to a node, then carries out what it led to. */
  input<T>(node: SimulatedNode, action: (raft: Raft) => T): T {
    const { raft } = node;
    if (raft === undefined) throw new ScriptError(`node ${node.id} is not running`);
    const answer = action(raft);
    this.#settle(node, raft);
    return answer;
  }

  start(node: SimulatedNode): void {
    node.start(this.clock.at(node.id));
    this.#settle(node, node.running);
  }

  tick(node: SimulatedNode): void {
    this.input(node, (raft) => raft.tick(this.clock.at(node.id)));
  }

  deliver(inFlight: InFlight): void {
    const receiver = this.node(inFlight.to);
    if (receiver.raft === undefined) {
      this.trace.add('deliver', formatInFlight(inFlight, '-x'));
      return;
    }
    this.trace.add('deliver', formatInFlight(inFlight, '=>'));
    const { from: nodeId, instanceId, bootCount } = inFlight;
    const sender = { nodeId, instanceId, bootCount };
    const at = this.clock.at(receiver.id);
    this.input(receiver, (raft) => raft.step(sender, inFlight.message, at));
  }

  readIndex(node: SimulatedNode): void {
    const readId = this.nextReadId++;
    this.judge.readStarts(readId);
    this.input(node, (raft) => raft.readIndex(readId, this.clock.at(node.id)));
  }

  /** The oldest pending write of the node is durable now, and the node hears of it. */
  completeWrite(node: SimulatedNode): Persist | undefined {
    const persist = node.disk.completeOldest();
    if (persist === undefined) return undefined;
    if (node.disk.mode !== 'auto') {
      this.trace.add('disk', `n${node.id} durable #${persist.writeId}`);
    }
    const at = this.clock.at(node.id);
    this.input(node, (raft) => raft.persisted(persist.writeId, at));
    return persist;
  }

  /** Entries that are no longer in the node's memory come back from its disk. */
  completeRead(node: SimulatedNode): boolean {
    const wanted = node.wanted.shift();
    if (wanted === undefined) return false;
    const entries = entriesWithin(node, wanted);
    const range = `${wanted.from}..${wanted.to}`;
    this.trace.add('disk', `n${node.id} reads ${range} for n${wanted.peer}`);
    const at = this.clock.at(node.id);
    this.input(node, (raft) => raft.entriesRead(wanted.peer, entries, at));
    return true;
  }

  apply(node: SimulatedNode, index: LogIndex): void {
    if (index <= node.applied) return;
    node.applied = index;
    this.input(node, (raft) => raft.applied(index));
  }

  #settle(node: SimulatedNode, raft: Raft): void {
    for (let round = 0; raft.hasEffects(); round++) {
      if (round > settleRoundsMax) throw new ScriptError(`node ${node.id} never settles`);
      this.#carryOut(node, raft, raft.takeEffects());
    }
    this.#showCommits(node, raft);
    this.judge.afterInput(node, [...this.nodes.values()], (id) => this.clock.at(id));
    if (node.disk.completes) this.completeWrite(node);
    if (node.readMode === 'auto' && node.wanted.length > 0) this.completeRead(node);
    if (node.applyMode === 'auto') this.apply(node, raft.commitIndex);
  }

  #carryOut(node: SimulatedNode, raft: Raft, effects: Effects): void {
    const name = `n${node.id}`;
    const change = effects.stateChange;
    if (change !== undefined) this.trace.add('outcome', `${name} ${formatStateChange(change)}`);
    const { persist } = effects;
    if (persist !== undefined) {
      this.judge.beforeWrite(raft, persist);
      const text = formatPersist(persist, node.disk.latest.hardState);
      this.trace.add('disk', `${name} ${text}${node.disk.mode === 'auto' ? '; durable' : ''}`);
      node.disk.write(persist);
    }
    for (const outgoing of effects.messages) this.#send(node, outgoing);
    for (const read of effects.reads) {
      this.trace.add('outcome', `${name} ${formatRead(read)}`);
      this.judge.readEnds(read);
    }
    node.wanted.push(...effects.entriesWanted);
    for (const wanted of effects.snapshotsWanted) this.#beginTransfer(node, raft, wanted);
    for (const notice of effects.notices) {
      if (notice.type === 'possibleDataLoss') this.judge.giveUp(notice.index);
      if (notice.type === 'recovered') node.mayLack = node.settings.strategy === 'MemFirst';
      this.trace.add('outcome', `${name} ${formatNotice(notice)}`);
    }
  }

  #beginTransfer(node: SimulatedNode, raft: Raft, { peer, instanceId }: SnapshotWanted): void {
    const snapshot = must(node.disk.snapshot, 'what a log begins behind');
    const { index } = snapshot.raft;
    raft.snapshotChosen(peer, instanceId, index);
    this.transfers.push({ from: node.id, to: peer, instanceId, leaderTerm: raft.term, snapshot });
    this.trace.add(
      'outcome',
      `n${node.id} sends ${instanceName(instanceId)} its snapshot ${index}`,
    );
  }

  #send(node: SimulatedNode, outgoing: Outgoing): void {
    const receiver = this.nodes.get(outgoing.to);
    this.promises.beforeSend(node, outgoing, receiver);
    const link = { from: node.id, to: outgoing.to, message: outgoing.message };
    const reached = receiver?.raft !== undefined && this.network.send(node, outgoing);
    this.trace.add('send', formatInFlight(link, reached ? '->' : '-x'));
  }

  #showCommits(node: SimulatedNode, raft: Raft): void {
    const { commitIndex } = raft;
    if (commitIndex <= node.commitShown) return;
    const entries = node.disk.latest.entries.slice(node.commitShown, commitIndex);
    node.commitShown = commitIndex;
    this.trace.add('outcome', `n${node.id} commits ${formatEntries(entries)}`);
  }
}

function entriesWithin(
  node: SimulatedNode,
  { from, to, bytesMax }: EntriesWanted,
): readonly Entry[] {
  assert(from > node.disk.latest.precedingIndex, () => `entry ${from} is in a snapshot only`);
  const entries = node.disk.latest.entries.slice(from - 1, to);
  must(entries[0], `entry ${from} of node ${node.id}`);
  let bytes = 0;
  return entries.filter((entry, position) => {
    bytes += entry.encoded.length;
    return position === 0 || bytes <= bytesMax;
  });
}
