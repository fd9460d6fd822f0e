import type { Entry, InstanceId, Instant, LogIndex, NodeId, Term } from '@d-engine/base';
import { entryKinds, entryPayload } from '@d-engine/base';
import { configurationProblem, isHeldByQuorum } from '../../src/testing/log-configurations.ts';
import type { Persist, Raft, ReadOutcome } from './raft-under-test.ts';
import { decodeBinding, decodeBootstrap, decodeConfigurationChange } from './raft-under-test.ts';
import { check } from './rule-broken.ts';
import type { SimulatedNode } from './simulated-node.ts';

interface Leadership {
  readonly leader: NodeId;
  readonly committedBefore: LogIndex;
}

/**
 * Sees all nodes at once and holds them to the safety properties of the Raft paper (figure 3) and
 * to the design's rules about disks, reads and leases, after every single input. A golden file
 * cannot make a broken rule look right.
 */
export class Judge {
  readonly #leaders = new Map<Term, Leadership>();
  /** How much was committed anywhere when each read began. */
  readonly #readFloors = new Map<number, LogIndex>();
  readonly #readsEnded = new Map<number, ReadOutcome['type']>();
  /** Everything that any node ever knew to be committed, from index 1. */
  #committed: Entry[] = [];

  get committedIndex(): LogIndex {
    return this.#committed.length;
  }

  /** All nodes were wiped: whatever forms now is another cluster. */
  forget(): void {
    this.#committed = [];
    this.#leaders.clear();
  }

  /** The disks start with this much already committed. */
  assumeCommitted(entries: readonly Entry[]): void {
    if (entries.length > this.#committed.length) this.#committed = [...entries];
  }

  readStarts(readId: number): void {
    this.#readFloors.set(readId, this.committedIndex);
  }

  /** What stood above `index` is gone, and everybody is told (design rule 3). */
  giveUp(index: LogIndex): void {
    this.#committed = this.#committed.slice(0, index);
    for (const [read, floor] of this.#readFloors) {
      this.#readFloors.set(read, Math.min(floor, index));
    }
  }

  stateOfRead(readId: number): 'pending' | ReadOutcome['type'] | undefined {
    return this.#readFloors.has(readId) ? 'pending' : this.#readsEnded.get(readId);
  }

  readEnds(outcome: ReadOutcome): void {
    const floor = this.#readFloors.get(outcome.readId);
    check(floor !== undefined, () => `read ${outcome.readId} ended twice or never began`);
    this.#readFloors.delete(outcome.readId);
    this.#readsEnded.set(outcome.readId, outcome.type);
    if (outcome.type === 'refused') return;
    check(
      outcome.index >= (floor ?? 0),
      () => `read ${outcome.readId} at ${outcome.index} misses the finished write ${floor}`,
    );
  }

  beforeWrite(raft: Raft, persist: Persist): void {
    const cuts = persist.truncateFrom !== undefined;
    check(!(cuts && raft.role === 'leader'), () => 'a leader cuts its own log');
  }

  /** What must hold between any two inputs. */
  afterInput(
    node: SimulatedNode,
    nodes: readonly SimulatedNode[],
    now: (node: NodeId) => Instant,
  ): void {
    const raft = node.running;
    if (raft.role === 'leader') this.#leads(node, raft);
    this.#logsMatch(node, nodes);
    this.#commits(node, raft, nodes);
    const { entries } = node.disk.latest;
    const problem = configurationProblem(entries, raft.configuration, this.committedIndex);
    check(problem === undefined, () => `n${node.id} ${problem}`);
    for (const other of nodes) this.#leaseIsSafe(other, now(other.id));
  }

  /**
   * Whoever may answer alone knows of everything that is committed anywhere, and its state machine
   * holds all that was committed before it led. (What it commits itself it answers only later.)
   */
  #leaseIsSafe({ id, raft, applied }: SimulatedNode, at: Instant): void {
    if (raft?.leaseValid(at) !== true) return;
    const { commitIndex, term } = raft;
    check(
      commitIndex >= this.committedIndex,
      () => `n${id} holds a lease at ${commitIndex}, committed ${this.committedIndex}`,
    );
    const floor = this.#leaders.get(term)?.committedBefore ?? 0;
    check(applied >= floor, () => `n${id} holds a lease, applied ${applied} of ${floor}`);
  }

  /** Election safety and leader completeness. */
  #leads(node: SimulatedNode, raft: Raft): void {
    const before = this.#leaders.get(raft.term);
    if (before !== undefined) {
      const { leader } = before;
      check(leader === node.id, () => `n${leader} and n${node.id} lead in t${raft.term}`);
      return;
    }
    this.#leaders.set(raft.term, { leader: node.id, committedBefore: this.committedIndex });
    const lost = this.#committed.find(
      ({ index, term }) => node.disk.latest.entries[index - 1]?.term !== term,
    );
    check(lost === undefined, () => `n${node.id} leads without committed ${lost?.index}`);
  }

  /** Log matching, and time that never goes back. */
  #logsMatch(node: SimulatedNode, nodes: readonly SimulatedNode[]): void {
    const own = node.disk.latest.entries;
    own.forEach((entry, position) => {
      const before = own[position - 1]?.clusterTimeMs ?? 0;
      check(entry.clusterTimeMs >= before, () => `time goes back at ${entry.index}`);
    });
    for (const other of nodes) {
      const theirs = other.disk.latest.entries;
      let position = Math.min(own.length, theirs.length) - 1;
      while (position >= 0 && own[position]?.term !== theirs[position]?.term) position -= 1;
      for (; position >= 0; position--) {
        const same = isSame(own[position], theirs[position]);
        check(same, () => `n${node.id} and n${other.id} differ at ${position + 1}`);
      }
    }
  }

  /** State machine safety, and commitment by a majority of bound voters' disks. */
  #commits(node: SimulatedNode, raft: Raft, nodes: readonly SimulatedNode[]): void {
    const log = node.disk.latest.entries;
    const { commitIndex } = raft;
    check(commitIndex <= log.length, () => `n${node.id} commits beyond its log`);
    for (let index = 1; index <= Math.min(commitIndex, this.committedIndex); index++) {
      const same = isSame(log[index - 1], this.#committed[index - 1]);
      check(same, () => `n${node.id} commits another entry ${index}`);
    }
    if (commitIndex <= this.committedIndex) return;
    // One that was removed has stepped down by now.
    const leads = this.#leaders.get(raft.term)?.leader === node.id;
    check(leads, () => `n${node.id} commits ${commitIndex} by itself`);
    const top = log[commitIndex - 1];
    check(top?.term === raft.term, () => `n${node.id} commits ${commitIndex} of an old term`);
    const bound = this.#boundInstances(log);
    const holders = nodes.filter(
      ({ id, instanceId, disk, raft: of, settings }) =>
        bound.get(id) === instanceId &&
        isSame(heldBy({ disk, raft: of, settings })[commitIndex - 1], top),
    );
    const held = holders.map(({ id }) => id);
    check(
      isHeldByQuorum(log, (id) => held.includes(id)),
      () => `n${node.id} commits ${commitIndex}, held by ${held.join()}`,
    );
    this.#committed = log.slice(0, commitIndex);
  }

  /** By committed entries alone; before there are any, by the bootstrap entry itself. */
  #boundInstances(log: readonly Entry[]): ReadonlyMap<NodeId, InstanceId> {
    const bound = new Map<NodeId, InstanceId>();
    const source = this.committedIndex === 0 ? log.filter(isBootstrap) : this.#committed;
    for (const entry of source) {
      if (entry.kind === entryKinds.bootstrap) {
        const { bindings } = decodeBootstrap(entryPayload(entry));
        for (const { nodeId, instanceId } of bindings) bound.set(nodeId, instanceId);
      } else if (entry.kind === entryKinds.binding) {
        const { nodeId, instanceId } = decodeBinding(entryPayload(entry));
        bound.set(nodeId, instanceId);
      } else if (entry.kind === entryKinds.configuration) {
        const { bindings } = decodeConfigurationChange(entryPayload(entry));
        for (const { nodeId, instanceId } of bindings) bound.set(nodeId, instanceId);
      }
    }
    return bound;
  }
}

/** What counts of a log: with MemFirst also what is in memory, but not while it recovers. */
function heldBy({
  disk,
  raft,
  settings,
}: Pick<SimulatedNode, 'disk' | 'raft' | 'settings'>): readonly Entry[] {
  const counts = settings.strategy === 'MemFirst' && raft?.recovering === false;
  return (counts ? disk.latest : disk.durable).entries;
}

function isBootstrap(entry: Entry): boolean {
  return entry.kind === entryKinds.bootstrap;
}

function isSame(first: Entry | undefined, second: Entry | undefined): boolean {
  if (first === undefined || second === undefined) return first === second;
  return first.term === second.term && Buffer.compare(first.encoded, second.encoded) === 0;
}
