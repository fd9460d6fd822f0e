import type { Clock, InstanceId, Logger, NodeId, Random, Term, Timer } from '@d-engine/base';
import type { Raft, SnapshotWanted } from '@d-engine/raft';
import type { SnapshotReader, Storage } from '@d-engine/storage';
import type { SnapshotAnswer } from '@d-engine/wire';
import type { Transport } from '../peers/transport.ts';
import type { SnapshotMetrics } from './snapshot-metrics.ts';
import type { SendResult } from './snapshot-sender.ts';
import { SnapshotSender } from './snapshot-sender.ts';
import type { SnapshotSettings } from './snapshot-settings.ts';

/** What goes to one peer: a file that is being opened or sent, or the pause after a failure. */
interface Transfer {
  readonly instanceId: InstanceId;
  readonly term: Term;
  sender: SnapshotSender | undefined;
  pause: Timer | undefined;
}

/** The snapshots that this leader sends, one at a time to each peer. */
export class SnapshotTransfers {
  readonly #raft: Raft;
  readonly #storage: Storage;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #settings: SnapshotSettings;
  readonly #logger: Logger;
  readonly #metrics: SnapshotMetrics;
  readonly #requestTurn: () => void;
  readonly #onFailure: (error: unknown) => void;
  readonly #transfers = new Map<NodeId, Transfer>();
  readonly #failures = new Map<NodeId, number>();

  constructor(options: {
    raft: Raft;
    storage: Storage;
    transport: Transport;
    clock: Clock;
    random: Random;
    settings: SnapshotSettings;
    logger: Logger;
    metrics: SnapshotMetrics;
    requestTurn: () => void;
    onFailure: (error: unknown) => void;
  }) {
    this.#raft = options.raft;
    this.#storage = options.storage;
    this.#transport = options.transport;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#settings = options.settings;
    this.#logger = options.logger;
    this.#metrics = options.metrics;
    this.#requestTurn = options.requestTurn;
    this.#onFailure = options.onFailure;
  }

  /** Raft found that the peer needs a snapshot. */
  want({ peer, instanceId }: SnapshotWanted): void {
    const { term } = this.#raft;
    const before = this.#transfers.get(peer);
    if (before?.instanceId === instanceId && before.term === term) {
      // What is under way for it serves: a pause ends in a new question.
      const { sender } = before;
      if (sender !== undefined) this.#raft.snapshotChosen(peer, instanceId, sender.index);
      return;
    }
    if (before !== undefined) this.#drop(peer, before, 'it is not wanted any more');
    const transfer: Transfer = { instanceId, term, sender: undefined, pause: undefined };
    this.#transfers.set(peer, transfer);
    this.#storage.snapshots
      .open()
      .then((reader) => this.#begin(peer, transfer, reader))
      .catch((error: unknown) => this.#onFailure(error));
  }

  async #begin(peer: NodeId, transfer: Transfer, reader: SnapshotReader): Promise<void> {
    const { instanceId, term } = transfer;
    if (this.#transfers.get(peer) !== transfer) return reader.close();
    const { header, lengthBytes } = reader.info;
    this.#raft.snapshotChosen(peer, instanceId, header.index);
    this.#logger.info(`sending a snapshot to peer ${peer}`, {
      index: header.index,
      term: header.term,
      bytes: lengthBytes,
    });
    const startedAtMs = this.#clock.monotonicMs();
    transfer.sender = new SnapshotSender({
      peer,
      instanceId,
      reader,
      term,
      transport: this.#transport,
      clock: this.#clock,
      settings: this.#settings,
      metrics: this.#metrics,
      onEnd: (result) => {
        reader.close().catch((error: unknown) => this.#onFailure(error));
        const tookMs = Math.round(this.#clock.monotonicMs() - startedAtMs);
        this.#onEnd(peer, transfer, result, tookMs);
      },
    });
  }

  #onEnd(peer: NodeId, transfer: Transfer, result: SendResult, tookMs: number): void {
    transfer.sender = undefined;
    if (this.#transfers.get(peer) !== transfer) return;
    if (result.type === 'sent') {
      this.#transfers.delete(peer);
      this.#countFailures(peer, 0);
      this.#metrics.sent.add();
      this.#logger.info(`peer ${peer} has the snapshot`, { up_to: result.upTo, took_ms: tookMs });
      this.#raft.snapshotSent(peer, transfer.instanceId, result.upTo);
      this.#requestTurn();
      return;
    }
    const failures = (this.#failures.get(peer) ?? 0) + 1;
    this.#countFailures(peer, failures);
    this.#metrics.transferFailures.add();
    const line = `the snapshot for peer ${peer} did not get there: ${result.reason}`;
    if (failures === this.#settings.alertFailures)
      this.#logger.error(line, { failures_in_a_row: failures });
    else this.#logger.warn(line, { failures_in_a_row: failures });
    const { pushBackoffMs, pushBackoffMaxMs } = this.#settings;
    const pauseMs = Math.min(pushBackoffMaxMs, pushBackoffMs * 2 ** Math.min(failures - 1, 16));
    const jitter = 0.5 + this.#random.float() / 2;
    transfer.pause = this.#clock.setTimer(pauseMs * jitter, () => {
      if (this.#transfers.get(peer) === transfer) this.#transfers.delete(peer);
      this.#raft.snapshotFailed(peer, transfer.instanceId);
      this.#requestTurn();
    });
  }

  #countFailures(peer: NodeId, failures: number): void {
    this.#failures.set(peer, failures);
    this.#metrics.failuresInARow(String(peer)).set(failures);
  }

  onAnswer(from: NodeId, answer: SnapshotAnswer): void {
    this.#transfers.get(from)?.sender?.onAnswer(answer);
  }

  onLinkUp(peer: NodeId, instanceId: InstanceId): void {
    this.#transfers.get(peer)?.sender?.onLinkUp(instanceId);
  }

  onLinkDown(peer: NodeId): void {
    this.#transfers.get(peer)?.sender?.onLinkDown();
  }

  /** Whoever does not lead, or leads another term, has nothing to send. */
  onRoleChange(): void {
    const { role, term } = this.#raft;
    for (const [peer, transfer] of [...this.#transfers]) {
      if (role === 'leader' && transfer.term === term) continue;
      this.#drop(peer, transfer, 'this member does not lead any more');
    }
  }

  stop(): void {
    for (const [peer, transfer] of [...this.#transfers]) {
      this.#drop(peer, transfer, 'this member stops');
    }
  }

  #drop(peer: NodeId, transfer: Transfer, reason: string): void {
    this.#transfers.delete(peer);
    transfer.pause?.cancel();
    transfer.sender?.end({ type: 'failed', reason });
  }
}
