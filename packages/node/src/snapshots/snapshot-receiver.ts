import { crc32 } from 'node:zlib';
import type { Clock, Logger, LogIndex, Timer } from '@d-engine/base';
import { DiskError, describeError, limits } from '@d-engine/base';
import type { Raft, Sender } from '@d-engine/raft';
import type { SnapshotReceiver as ReceivedFile, SnapshotInfo, Storage } from '@d-engine/storage';
import { raftSnapshotOf, StorageDamage, UnsupportedFormat } from '@d-engine/storage';
import type { PeerFrame, SnapshotChunk, SnapshotOffer } from '@d-engine/wire';
import type { Applier } from '../applier.ts';
import type { SnapshotMetrics } from './snapshot-metrics.ts';
import type { SnapshotSettings } from './snapshot-settings.ts';
import type { SnapshotTask } from './snapshot-task.ts';

type Reply = (answer: PeerFrame) => void;

/** What is coming in, of one offer. */
interface Incoming {
  readonly sender: Sender;
  readonly offer: SnapshotOffer;
  readonly reply: Reply;
  file: ReceivedFile | undefined;
  /** Where the next piece must begin: everything before it is written or about to be. */
  expected: number;
}

/**
 * Takes the snapshot that the leader sends, writes it down as it comes, and installs it when it is
 * whole (design rule 11). The member serves on meanwhile; one snapshot comes in at a time.
 */
export class SnapshotReceiver {
  readonly #raft: Raft;
  readonly #storage: Storage;
  readonly #applier: Applier;
  readonly #task: SnapshotTask;
  readonly #clock: Clock;
  readonly #settings: SnapshotSettings;
  readonly #logger: Logger;
  readonly #metrics: SnapshotMetrics;
  readonly #requestTurn: () => void;
  readonly #onFailure: (error: unknown) => void;
  #incoming: Incoming | undefined;
  #isInstalling = false;
  /** Calls of the store, one after another. Never rejects. */
  #work: Promise<void> = Promise.resolve();
  #waitTimer: Timer | undefined;
  /** Resolved when the log is durable up to an index. */
  #durable: { readonly index: LogIndex; readonly resolve: () => void } | undefined;

  constructor(options: {
    raft: Raft;
    storage: Storage;
    applier: Applier;
    task: SnapshotTask;
    clock: Clock;
    settings: SnapshotSettings;
    logger: Logger;
    metrics: SnapshotMetrics;
    requestTurn: () => void;
    onFailure: (error: unknown) => void;
  }) {
    this.#raft = options.raft;
    this.#storage = options.storage;
    this.#applier = options.applier;
    this.#task = options.task;
    this.#clock = options.clock;
    this.#settings = options.settings;
    this.#logger = options.logger;
    this.#metrics = options.metrics;
    this.#requestTurn = options.requestTurn;
    this.#onFailure = options.onFailure;
  }

  stop(): void {
    this.#incoming = undefined;
    this.#waitTimer?.cancel();
  }

  onOffer(sender: Sender, offer: SnapshotOffer, reply: Reply): void {
    const { commitIndex, leaderId, term, clusterId } = this.#raft;
    const incoming: Incoming = { sender, offer, reply, file: undefined, expected: 0 };
    if (this.#isInstalling) return refuse(incoming, 'another snapshot is being installed');
    if (offer.index <= commitIndex) return complete(incoming, commitIndex);
    if (clusterId !== undefined && clusterId !== offer.clusterId) {
      return refuse(incoming, `it is of cluster ${offer.clusterId}, this member of ${clusterId}`);
    }
    // Its term must have been heard before its entries count: heartbeats bring that.
    if (leaderId !== sender.nodeId || term !== offer.term) {
      return refuse(incoming, `member ${sender.nodeId} does not lead here`);
    }
    this.#incoming = incoming;
    this.#awaitNext();
    this.#do(incoming, async () => {
      const { clusterId, formedAtWallMs, index, snapshotTerm, lengthBytes, sha256 } = offer;
      const header = { clusterId, formedAtWallMs, index, term: snapshotTerm };
      const file = await this.#storage.snapshots.receive(header, lengthBytes, sha256);
      incoming.file = file;
      incoming.expected = file.offset;
      this.#logger.info(`receiving a snapshot from peer ${sender.nodeId}`, {
        index,
        bytes: lengthBytes,
        from: incoming.expected,
      });
      await this.#progress(incoming, file);
    });
  }

  onChunk(sender: Sender, chunk: SnapshotChunk): void {
    const incoming = this.#incoming;
    const file = incoming?.file;
    if (incoming === undefined || file === undefined) return;
    if (incoming.sender.nodeId !== sender.nodeId) return;
    if (chunk.transferId !== incoming.offer.transferId) return;
    const { offset, data } = chunk;
    const end = offset + data.length;
    const ahead = end - file.offset > limits.snapshotWindowBytes + limits.snapshotChunkBytesMax;
    const wrong = offset !== incoming.expected || end > incoming.offer.lengthBytes || ahead;
    if (wrong || crc32(data) !== chunk.crc32) {
      this.#incoming = undefined;
      return refuse(incoming, `a piece at ${offset} is not what it should be`);
    }
    incoming.expected = end;
    this.#awaitNext();
    // The message's memory is lent for this call only.
    const copy = data.slice();
    this.#do(incoming, async () => {
      await file.write(copy);
      await this.#progress(incoming, file);
    });
  }

  /** A sender that is silent for so long has gone; what is here stays for the next offer. */
  #awaitNext(): void {
    this.#waitTimer?.cancel();
    this.#waitTimer = this.#clock.setTimer(this.#settings.chunkTimeoutMs, () => {
      if (!this.#isInstalling) this.#incoming = undefined;
    });
  }

  /** After all work of before, unless another offer took the place of this one. */
  #do(incoming: Incoming, action: () => Promise<void>): void {
    this.#work = this.#work
      .then(async () => {
        if (this.#incoming === incoming) await action();
      })
      .catch((error: unknown) => this.#onError(incoming, error));
  }

  /** What another attempt may mend is answered; the rest stops the member. */
  #onError(incoming: Incoming, error: unknown): void {
    this.#isInstalling = false;
    this.#incoming = undefined;
    const noRoom = error instanceof DiskError && error.kind === 'full';
    const isBad = error instanceof StorageDamage || error instanceof UnsupportedFormat;
    if (!noRoom && !isBad) return this.#onFailure(error);
    this.#logger.error('the snapshot of the leader cannot be taken', {
      error: describeError(error),
    });
    refuse(incoming, describeError(error));
  }

  async #progress(incoming: Incoming, file: ReceivedFile): Promise<void> {
    const { offer, reply } = incoming;
    const { offset } = file;
    if (offset < offer.lengthBytes) {
      const { transferId } = offer;
      const state = 'receiving';
      reply({ type: 'snapshotAnswer', transferId, state, offset, upTo: 0, reason: '' });
      return;
    }
    this.#isInstalling = true;
    this.#waitTimer?.cancel();
    // One of this member's own could be published between the two, and be the newer one.
    await this.#task.pause();
    try {
      const info = await file.finish();
      // Half of an install is nothing to go on with.
      if (info !== undefined && !(await this.#hasInstalled(info, offer))) return;
    } finally {
      this.#task.resume();
    }
    this.#isInstalling = false;
    this.#incoming = undefined;
    complete(incoming, this.#raft.commitIndex);
  }

  async #hasInstalled(info: SnapshotInfo, offer: SnapshotOffer): Promise<boolean> {
    try {
      await this.#install(info, offer);
      return true;
    } catch (error) {
      this.#onFailure(error);
      return false;
    }
  }

  /** The file is durable. Resolves when the log and the state follow it. */
  async #install(info: SnapshotInfo, offer: SnapshotOffer): Promise<void> {
    const { index, term } = info.header;
    const verdict = this.#raft.installSnapshot(raftSnapshotOf(info), offer.term, this.#clock.now());
    this.#logger.info('snapshot of the leader', { index, term, keys: info.keyCount, verdict });
    this.#requestTurn();
    if (verdict === 'installed') {
      await this.#applier.load(info);
      this.#metrics.installed.add();
      this.#logger.info('snapshot installed', { index, term, keys: info.keyCount });
    }
    if (verdict !== 'stale') await this.#untilDurable(index);
    this.#task.installed(index);
  }

  #untilDurable(index: LogIndex): Promise<void> {
    return new Promise((resolve) => {
      this.#durable = { index, resolve };
      this.onDurable();
    });
  }

  onDurable(): void {
    if (this.#durable === undefined || this.#raft.durableIndex < this.#durable.index) return;
    this.#durable.resolve();
    this.#durable = undefined;
  }
}

function refuse({ offer, reply }: Incoming, reason: string): void {
  const { transferId } = offer;
  reply({ type: 'snapshotAnswer', transferId, state: 'refused', offset: 0, upTo: 0, reason });
}

function complete({ offer, reply }: Incoming, upTo: LogIndex): void {
  const { transferId } = offer;
  reply({ type: 'snapshotAnswer', transferId, state: 'complete', offset: 0, upTo, reason: '' });
}
