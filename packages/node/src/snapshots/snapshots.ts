import type { Env, InstanceId, Logger, LogIndex, Metrics, NodeId } from '@d-engine/base';
import type { Effects, Raft, Sender } from '@d-engine/raft';
import type { SnapshotReader, StateMachine, Storage } from '@d-engine/storage';
import type { PeerFrame, SnapshotFrame } from '@d-engine/wire';
import type { Applier } from '../applier.ts';
import type { Transport } from '../peers/transport.ts';
import { SnapshotMetrics } from './snapshot-metrics.ts';
import { SnapshotReceiver } from './snapshot-receiver.ts';
import type { SnapshotSettings } from './snapshot-settings.ts';
import { SnapshotTask } from './snapshot-task.ts';
import { SnapshotTransfers } from './snapshot-transfers.ts';
import { SnapshotTrigger } from './snapshot-trigger.ts';

/** All that one member does about snapshots: takes them, sends them, receives them. */
export class Snapshots {
  readonly metrics: SnapshotMetrics;
  readonly #raft: Raft;
  readonly #storage: Storage;
  readonly #task: SnapshotTask;
  readonly #transfers: SnapshotTransfers;
  readonly #receiver: SnapshotReceiver;

  constructor(options: {
    env: Env;
    raft: Raft;
    storage: Storage;
    stateMachine: StateMachine;
    applier: Applier;
    transport: Transport;
    settings: SnapshotSettings;
    /** False: the state is not to be trusted, and must not outlive this run. */
    mayTake: () => boolean;
    logger: Logger;
    metrics: Metrics;
    requestTurn: () => void;
    onFailure: (error: unknown) => void;
  }) {
    const { env, storage, settings } = options;
    const { clock, random } = env;
    const metrics = new SnapshotMetrics(options.metrics);
    const lastIndex = storage.snapshots.latest?.header.index ?? 0;
    const trigger = new SnapshotTrigger(settings, clock, random, lastIndex);
    const shared = { ...options, clock, random, metrics };
    this.#raft = options.raft;
    this.#storage = storage;
    this.metrics = metrics;
    this.#task = new SnapshotTask({ ...shared, trigger });
    this.#transfers = new SnapshotTransfers(shared);
    this.#receiver = new SnapshotReceiver({ ...shared, task: this.#task });
  }

  /** Something was applied. */
  onApplied(): void {
    this.#task.check();
  }

  /** Now and then: time alone may ask for a snapshot, and peers that lagged have caught up. */
  onIdle(): void {
    this.#task.check();
    this.#task.purge();
  }

  /** For handing out: with all up to `index` at least, which was applied. To be closed. */
  async open(index: LogIndex): Promise<SnapshotReader> {
    await this.#task.takeWith(index);
    return this.#storage.snapshots.open();
  }

  onDurable(): void {
    this.#receiver.onDurable();
  }

  onEffects({ snapshotsWanted, stateChange }: Effects): void {
    if (stateChange !== undefined) this.#transfers.onRoleChange();
    for (const wanted of snapshotsWanted) this.#transfers.want(wanted);
  }

  onFrame(sender: Sender, frame: SnapshotFrame, reply: (answer: PeerFrame) => void): void {
    switch (frame.type) {
      case 'snapshotOffer':
        this.#receiver.onOffer(sender, frame, reply);
        return;
      case 'snapshotChunk':
        this.#receiver.onChunk(sender, frame);
        return;
      case 'snapshotAnswer':
        this.#transfers.onAnswer(sender.nodeId, frame);
    }
  }

  onLinkUp(peer: NodeId, instanceId: InstanceId): void {
    this.#transfers.onLinkUp(peer, instanceId);
  }

  onLinkDown(peer: NodeId): void {
    this.#transfers.onLinkDown(peer);
  }

  refreshMetrics(): void {
    this.metrics.refresh({
      snapshotIndex: this.#storage.snapshots.latest?.header.index ?? 0,
      firstLogIndex: this.#raft.firstLogIndex,
      logBytes: this.#storage.logBytes,
    });
  }

  stop(): void {
    this.#task.stop();
    this.#transfers.stop();
    this.#receiver.stop();
  }
}
