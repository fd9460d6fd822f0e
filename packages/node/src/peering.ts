import type { CallerCertificate, Env, Logger, NodeId, Plane } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import type { HelloVerdict, Raft, RaftMessage, Sender } from '@d-engine/raft';
import { initialVotersHash } from '@d-engine/raft';
import type { Storage } from '@d-engine/storage';
import type { DivergenceFrame, Hello, PeerFrame, SnapshotFrame } from '@d-engine/wire';
import { peerProtocolVersion, toForwardError } from '@d-engine/wire';
import type { StateVerification } from './divergence/state-verification.ts';
import type { Forwards } from './forwards.ts';
import type { MemberAddresses } from './member-addresses.ts';
import type { MemberCondition } from './member-condition.ts';
import type { Membership } from './membership/membership.ts';
import type { OperationChecks } from './operation-checks.ts';
import type { Refusal } from './peers/hello-check.ts';
import { checkHello, refuseForRoom } from './peers/hello-check.ts';
import type { RefusedLink } from './peers/peer-link.ts';
import type { ForwardFrame, TransportObserver } from './peers/transport.ts';
import type { NodeSettings } from './settings.ts';
import type { Snapshots } from './snapshots/snapshots.ts';
import type { TurnLoop } from './turn-loop.ts';
import type { WriteRouter } from './write-router.ts';

/** The parts of the member that its peers reach. */
export interface PeeringParts {
  readonly turns: TurnLoop;
  readonly forwards: Forwards;
  readonly writes: WriteRouter;
  readonly snapshots: Snapshots;
  readonly membership: Membership;
  readonly verification: StateVerification;
}

/** How this member introduces itself, whom it accepts, and where peers' messages go. */
export class Peering implements TransportObserver {
  readonly #env: Env;
  readonly #raft: Raft;
  readonly #storage: Storage;
  readonly #settings: NodeSettings;
  readonly #condition: MemberCondition;
  readonly #checks: OperationChecks;
  readonly #addresses: MemberAddresses;
  readonly #logger: Logger;
  readonly #votersHash: string;
  readonly #parts: () => PeeringParts;
  readonly #onFailure: (error: unknown) => void;
  /** One line a reason and peer, not one a retry. */
  readonly #refusalsLogged = new Set<string>();

  constructor(options: {
    env: Env;
    raft: Raft;
    storage: Storage;
    settings: NodeSettings;
    condition: MemberCondition;
    checks: OperationChecks;
    addresses: MemberAddresses;
    logger: Logger;
    /** Known only after the transport is made, which needs this object. */
    parts: () => PeeringParts;
    onFailure: (error: unknown) => void;
  }) {
    this.#env = options.env;
    this.#raft = options.raft;
    this.#storage = options.storage;
    this.#settings = options.settings;
    this.#condition = options.condition;
    this.#checks = options.checks;
    this.#addresses = options.addresses;
    this.#logger = options.logger;
    this.#parts = options.parts;
    this.#onFailure = options.onFailure;
    this.#votersHash = initialVotersHash(options.settings.initialMembers);
  }

  ownHello(): Hello {
    const identity = this.#storage.identity;
    // What is not on disk yet may be forgotten, and nobody may wait for it.
    const formed = this.#raft.durableIndex > 0 || identity.clusterId !== null;
    return {
      type: 'hello',
      protocolVersion: peerProtocolVersion,
      clusterId: identity.clusterId,
      clusterFormedAtMs: identity.clusterFormedAtMs,
      nodeId: identity.nodeId,
      instanceId: identity.instanceId,
      bootCount: identity.bootCount,
      state: formed ? 'formed' : 'empty',
      initialVotersHash: this.#votersHash,
      strategy: this.#settings.strategy,
      recovering: this.#raft.recovering,
      advertiseAddress: this.#settings.advertiseAddress,
    };
  }

  check(
    theirs: Hello,
    expectedNodeId: NodeId | undefined,
    certificate?: CallerCertificate,
  ): Refusal | undefined {
    const refusal = checkHello(theirs, {
      own: this.ownHello(),
      expectedNodeId,
      certificate,
      hostsOf: (id) => this.#addresses.hosts(id),
      isMember: (id, sameCluster) => this.#parts().membership.knows(id, sameCluster),
      verdict: (hello) => this.#verdict(hello),
    });
    if (refusal === undefined) this.#addresses.learn(theirs.nodeId, theirs.advertiseAddress);
    else if (refusal.reason === 'otherInstance') {
      this.#parts().membership.successors.note(theirs.nodeId, theirs.instanceId);
    }
    const dialledMe = expectedNodeId === undefined && theirs.targetNodeId !== undefined;
    if (refusal?.reason === 'otherCluster' && dialledMe) {
      this.#stopBesideOlderCluster(theirs, refusal);
    }
    return refusal;
  }

  #verdict(hello: Hello): HelloVerdict {
    const seen = this.#storage.identity.peers.get(hello.nodeId);
    const isOlder = seen?.instanceId === hello.instanceId && hello.bootCount < seen.bootCount;
    if (isOlder) return 'olderBootCount';
    const { nodeId, instanceId, bootCount, state, clusterId, initialVotersHash, recovering } =
      hello;
    const verdict = this.#raft.peerHello(
      { nodeId, instanceId, bootCount, state, clusterId, initialVotersHash, recovering },
      this.#env.clock.now(),
    );
    this.#parts().turns.request();
    return verdict;
  }

  /**
   * A member of an older cluster dialled this one by its node id: this cluster formed by accident
   * (the known limit of design rule 2), and must not answer in the older one's place.
   */
  #stopBesideOlderCluster(theirs: Hello, refusal: Refusal): void {
    const own = this.#storage.identity.clusterFormedAtMs;
    if (own === null || theirs.clusterFormedAtMs === null) return;
    if (theirs.clusterFormedAtMs >= own) return;
    const message =
      `${refusal.message}. The other cluster is the older one and knows this node id, so this ` +
      'node stops serving: stop it, save its data directory, wipe it and let it join the older one';
    this.#condition.yieldTo(new DEngineError('WrongCluster', message));
    this.#logOnce('older cluster', message);
  }

  /**
   * Whoever counted a start of a peer must know it after a restart of its own, or it would take an
   * older copy of that peer's directory (rule 2). A member without room for it counts it not yet.
   */
  async record(theirs: Hello): Promise<Refusal | undefined> {
    const { nodeId, instanceId, bootCount } = theirs;
    try {
      const noRoom = await this.#storage.recordPeer(nodeId, instanceId, bootCount);
      return noRoom && refuseForRoom(theirs, this.#settings.nodeId);
    } catch (error) {
      this.#onFailure(error);
      throw error;
    }
  }

  onRaftMessage(sender: Sender, message: RaftMessage): void {
    this.#parts().turns.receive(sender, message);
  }

  onForwardFrame(from: NodeId, frame: ForwardFrame, reply: (answer: ForwardFrame) => void): void {
    const { forwardId } = frame;
    if (frame.type === 'forwardWriteResult') {
      this.#parts().forwards.onAnswer(from, forwardId, frame.outcome);
      return;
    }
    const fail = (error: DEngineError): void => {
      reply({ type: 'forwardWriteResult', forwardId, outcome: toForwardError(error) });
    };
    const problem = this.#checks.writeBytes(frame.command);
    if (problem !== undefined) return fail(problem);
    const deadlineMs = this.#checks.deadlineMs(frame.deadlineMs);
    const { command, session } = frame;
    this.#parts().writes.submitHere({ command, session }, deadlineMs, (settled) => {
      if (!settled.ok) return fail(settled.error);
      reply({ type: 'forwardWriteResult', forwardId, outcome: { type: 'ok', ...settled.outcome } });
    });
  }

  onSnapshotFrame(sender: Sender, frame: SnapshotFrame, reply: (answer: PeerFrame) => void): void {
    this.#parts().snapshots.onFrame(sender, frame, reply);
  }

  onDivergenceFrame(sender: Sender, frame: DivergenceFrame): void {
    this.#parts().verification.onFrame(sender, frame);
  }

  onLinkUp({ nodeId: peer, instanceId }: Sender, plane: Plane): void {
    if (plane === 'bulk') {
      this.#parts().snapshots.onLinkUp(peer, instanceId);
      return;
    }
    this.#raft.peerLost(peer, plane, this.#env.clock.now());
    if (this.#condition.accept(peer)) {
      this.#logger.warn(`peer ${peer} accepts this member again`);
    }
    const { turns, writes } = this.#parts();
    turns.request();
    if (plane === 'data') writes.onLeadershipChange();
  }

  onLinkDown(peer: NodeId, plane: Plane): void {
    if (plane === 'bulk') {
      this.#parts().snapshots.onLinkDown(peer);
      return;
    }
    this.#raft.peerLost(peer, plane, this.#env.clock.now());
    const { turns, forwards } = this.#parts();
    turns.request();
    if (plane === 'data') forwards.onPeerLost(peer);
  }

  onRefused(peer: NodeId, refusal: RefusedLink): void {
    // Strangers share one key: their node ids are theirs to invent.
    const name = this.#parts().membership.knows(peer, false) ? `${peer}` : 'stranger';
    const key = `${name} ${refusal.name} ${refusal.byPeer}`;
    const who = refusal.byPeer ? `peer ${peer} refused this member` : `refused peer ${peer}`;
    this.#logOnce(key, `${who}: ${refusal.message}`);
    if (!refusal.byPeer) return;
    if (refusal.name !== 'MemberRefused' && refusal.name !== 'MemberRemoved') return;
    this.#condition.refuse(peer, new DEngineError(refusal.name, refusal.message));
  }

  #logOnce(key: string, line: string): void {
    if (this.#refusalsLogged.has(key)) return;
    this.#refusalsLogged.add(key);
    this.#logger.error(line);
  }
}
