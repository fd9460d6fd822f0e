import type { InstanceId, NodeId } from '@d-engine/base';

/** The newest runs are remembered of so many nodes, so that strangers cannot fill us. */
const nodesMax = 1024;

interface Run {
  readonly instanceId: InstanceId;
  readonly bootCount: number;
  readonly recovering: boolean;
  /** It named the cluster of this member, which only who has its log can. */
  readonly sameCluster: boolean;
}

/** The newest run of each node that said hello, and whether it recovers (design rules 2, 3). */
export class PeerRuns {
  readonly #seen: Map<NodeId, Run> = new Map();
  /** Invariant: how many of `#seen` are recovering. Mostly none, and then nobody looks further. */
  #recoveringCount = 0;

  get anyRecovering(): boolean {
    return this.#recoveringCount > 0;
  }

  /** Takes note of a hello. `older`: a newer run was seen before. */
  hear(nodeId: NodeId, run: Run): 'older' | 'same' | 'newer' {
    const seen = this.#seen.get(nodeId);
    const known = seen !== undefined && seen.instanceId === run.instanceId;
    if (known && run.bootCount < seen.bootCount) return 'older';
    const isSame = known && run.bootCount === seen.bootCount;
    // A recovery that is over does not begin again within a run: that hello is an old one.
    const recovering = run.recovering && !(isSame && !seen.recovering);
    if (seen !== undefined || this.#seen.size < nodesMax) {
      if (seen?.recovering === true) this.#recoveringCount -= 1;
      if (recovering) this.#recoveringCount += 1;
      this.#seen.set(nodeId, { ...run, recovering });
    }
    return isSame ? 'same' : 'newer';
  }

  /** Whether a newer run of this very member said hello since. */
  isOver(nodeId: NodeId, instanceId: InstanceId, bootCount: number): boolean {
    const seen = this.#seen.get(nodeId);
    return seen?.instanceId === instanceId && bootCount < seen.bootCount;
  }

  isRecovering(nodeId: NodeId, instanceId: InstanceId | undefined): boolean {
    const seen = this.#seen.get(nodeId);
    return seen?.recovering === true && seen.instanceId === instanceId;
  }

  /** Whether this instance, when it said hello last, was of this member's cluster. */
  isOfCluster(nodeId: NodeId, instanceId: InstanceId): boolean {
    const seen = this.#seen.get(nodeId);
    return seen?.sameCluster === true && seen.instanceId === instanceId;
  }

  /** The newest run; undefined when this instance never said hello. */
  bootCountOf(nodeId: NodeId, instanceId: InstanceId | undefined): number | undefined {
    const seen = this.#seen.get(nodeId);
    return seen?.instanceId === instanceId ? seen?.bootCount : undefined;
  }
}
