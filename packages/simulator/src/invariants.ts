import type { NodeId, Term } from '@d-engine/base';
import type { CheckName, Violation } from './violation.ts';
import type { VirtualCluster } from './virtual-cluster.ts';

/** What must hold after every step, across members and across their lives. */
export class Invariants {
  readonly #cluster: VirtualCluster;
  readonly #leaders = new Map<Term, NodeId>();
  /** The state's hash at each applied index that a member was seen at. */
  readonly #hashes = new Map<number, { hash: string; nodeId: NodeId }>();
  readonly #lastApplied = new Map<object, number>();
  readonly #violations = new Map<string, Violation>();
  leaderChanges = 0;

  constructor(cluster: VirtualCluster) {
    this.#cluster = cluster;
  }

  check(): void {
    for (const node of this.#cluster.running()) {
      const { nodeId } = node.settings;
      if (node.role === 'leader') this.#checkLeader(nodeId, node.term);
      const { appliedIndex } = node;
      const before = this.#lastApplied.get(node) ?? 0;
      if (appliedIndex === before) continue;
      if (appliedIndex < before)
        this.#violated('monotonic indexes', `node ${nodeId} applied backwards`);
      if (appliedIndex > node.commitIndex) {
        const text = `node ${nodeId} applied ${appliedIndex} above commit ${node.commitIndex}`;
        this.#violated('committed is never undone', text);
      }
      this.#lastApplied.set(node, appliedIndex);
      this.#checkState(nodeId, appliedIndex, node.stateHash());
    }
  }

  #checkLeader(nodeId: NodeId, term: Term): void {
    const other = this.#leaders.get(term);
    if (other === nodeId) return;
    if (other !== undefined) {
      const text = `two leaders in term ${term}: ${other} and ${nodeId}`;
      this.#violated('election safety', text);
      return;
    }
    this.#leaders.set(term, nodeId);
    this.leaderChanges += 1;
  }

  /** State machine safety (Raft paper, 5.4.3): the same index, the same state. */
  #checkState(nodeId: NodeId, appliedIndex: number, hash: string): void {
    const known = this.#hashes.get(appliedIndex);
    if (known === undefined) this.#hashes.set(appliedIndex, { hash, nodeId });
    else if (known.hash !== hash) {
      const text = `nodes ${known.nodeId} and ${nodeId} differ at index ${appliedIndex}`;
      this.#violated('state machine safety', text);
    }
  }

  /** Once each, however often it is seen. */
  get violations(): readonly Violation[] {
    return [...this.#violations.values()];
  }

  get isViolated(): boolean {
    return this.#violations.size > 0;
  }

  #violated(check: CheckName, text: string): void {
    this.#violations.set(`${check} ${text}`, { check, text });
  }
}
