import type { Instant } from '@d-engine/base';
import type { Core } from './core.ts';
import type { Sender } from './messages.ts';
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

  /** Whether a message of `sender` is looked at; tells the operator when it is not. */
  admits(sender: Sender): boolean {
    const { bindings, commitIndex, self } = this.#core;
    const bound = bindings.holdingInstance(sender.nodeId, commitIndex);
    if (bound !== undefined && bound !== sender.instanceId) {
      this.#tell(sender, 'otherInstance');
      return false;
    }
    // Its own id from outside: somebody was configured with it by mistake.
    if (sender.nodeId === self) return false;
    // What an earlier run acknowledged from memory, the one that said hello since may not have.
    return !this.#core.runs.isOver(sender.nodeId, sender.instanceId, sender.bootCount);
  }

  hello(hello: PeerHello, at: Instant): HelloVerdict {
    const core = this.#core;
    const { nodeId, instanceId, bootCount, recovering } = hello;
    if (core.runs.isOver(nodeId, instanceId, bootCount)) {
      this.#tell(hello, 'olderBootCount');
      return 'olderBootCount';
    }
    if (!this.admits(hello)) return 'otherInstance';
    const wasRecovering = core.isRecovering(nodeId);
    const restarted = core.runs.hear(nodeId, { instanceId, bootCount, recovering }) === 'newer';
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

  #tell(sender: Sender, reason: 'otherInstance' | 'olderBootCount'): void {
    const { nodeId, instanceId } = sender;
    const key = `${nodeId} ${instanceId} ${reason}`;
    if (this.#told.has(key)) return;
    if (this.#told.size >= toldMax) this.#told.clear();
    this.#told.add(key);
    this.#core.outbox.notice({ type: 'memberRefused', nodeId, instanceId, reason });
  }
}
