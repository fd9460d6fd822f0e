import type { Instant } from '@d-engine/base';
import type { Core } from './core.ts';
import type { RaftMessage, Sender } from './messages.ts';
import { isResponse } from './messages.ts';
import type { HelloVerdict, PeerHello } from './raft-config.ts';
import { advanceCommit } from './replication.ts';

/** Refusals that were told already are remembered up to this many, so strangers cannot fill us. */
const toldMax = 1024;

/** Who may talk to us under which node id (design rule 2). */
export class PeerRegister {
  readonly #core: Core;
  readonly #told: Set<string> = new Set();

  constructor(core: Core) {
    this.#core = core;
  }

  /** Whether this message of `sender` is looked at; tells the operator when it is not. */
  admits(sender: Sender, message: RaftMessage): boolean {
    const { runs } = this.#core;
    const { nodeId, instanceId, bootCount } = sender;
    // What an earlier run acknowledged from memory, the one that said hello since may not have.
    if (runs.isOver(nodeId, instanceId, bootCount)) return false;
    const standing = this.#standing(sender, runs.isOfCluster(nodeId, instanceId));
    return standing === 'itself' || (standing === 'successor' && !isResponse(message));
  }

  /**
   * `successor`: it is not the directory that this member knows under the node id, but it has the
   * log of this cluster, which only who was bound can have. So it may have taken the other's place,
   * and this member have missed it: then it may well lead, or need this member's vote. It may ask,
   * and counts in nothing.
   */
  #standing(sender: Sender, sameCluster: boolean): 'itself' | 'successor' | 'nobody' {
    const { bindings, commitIndex, self } = this.#core;
    const { nodeId, instanceId } = sender;
    const bound = bindings.holdingInstance(nodeId, commitIndex);
    if (bound !== undefined && bound !== sender.instanceId) {
      if (sameCluster && !bindings.isReplaced(nodeId, instanceId)) return 'successor';
      this.#tell(sender, 'otherInstance');
      return 'nobody';
    }
    // Its own id from outside: somebody was configured with it by mistake.
    return nodeId === self ? 'nobody' : 'itself';
  }

  hello(hello: PeerHello, at: Instant): HelloVerdict {
    const core = this.#core;
    const { nodeId, instanceId, bootCount, recovering, clusterId } = hello;
    const sameCluster = clusterId !== null && clusterId === core.clusterId;
    if (core.runs.isOver(nodeId, instanceId, bootCount)) {
      this.#tell(hello, 'olderBootCount');
      return 'olderBootCount';
    }
    if (this.#standing(hello, sameCluster) === 'nobody') return 'otherInstance';
    // While its leader gets the news to it, the log itself tells; later a refusal has to.
    const isLeaving = core.leader?.peer(nodeId) !== undefined;
    if (!isLeaving && core.bindings.isRemoved(nodeId, instanceId, core.commitIndex)) {
      this.#tell(hello, 'removed');
      return 'removed';
    }
    const wasRecovering = core.isRecovering(nodeId);
    const run = { instanceId, bootCount, recovering, sameCluster };
    const restarted = core.runs.hear(nodeId, run) === 'newer';
    this.#welcome(hello, restarted);
    if (core.bindings.bootstrap === undefined) {
      const notice = core.formation.answered(hello);
      if (notice !== undefined) core.outbox.notice(notice);
    }
    // One that has recovered counts with what it has acknowledged so far.
    if (wasRecovering && !core.isRecovering(nodeId) && core.leader !== undefined) {
      advanceCommit(core, core.leader, at);
    }
    return 'accepted';
  }

  /** Begins anew with a peer that is back: whatever was on its way to it is lost. */
  #welcome(hello: PeerHello, restarted: boolean): void {
    const core = this.#core;
    const peer = core.leader?.peer(hello.nodeId);
    if (peer === undefined) return;
    if (peer.instanceId !== undefined && peer.instanceId !== hello.instanceId) {
      peer.startOver(hello.instanceId, core.log.lastIndex + 1);
    } else if (restarted && hello.recovering) {
      peer.startOver(hello.instanceId, core.log.lastIndex + 1);
    } else if (restarted) peer.becomeProbe();
    else if (peer.state === 'probe') peer.probeSent = false;
  }

  #tell(sender: Sender, reason: Exclude<HelloVerdict, 'accepted'>): void {
    const { nodeId, instanceId } = sender;
    const key = `${nodeId} ${instanceId} ${reason}`;
    if (this.#told.has(key)) return;
    if (this.#told.size >= toldMax) this.#told.clear();
    this.#told.add(key);
    this.#core.outbox.notice({ type: 'memberRefused', nodeId, instanceId, reason });
  }
}
