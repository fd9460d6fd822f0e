import { crc32 } from 'node:zlib';
import type { Clock, InstanceId, LogIndex, NodeId, Term, Timer } from '@d-engine/base';
import { describeError, limits } from '@d-engine/base';
import type { SnapshotReader } from '@d-engine/storage';
import type { SnapshotAnswer } from '@d-engine/wire';
import type { Transport } from '../peers/transport.ts';
import type { SnapshotMetrics } from './snapshot-metrics.ts';
import type { SnapshotSettings } from './snapshot-settings.ts';

/** How a transfer ended. */
export type SendResult =
  | { readonly type: 'sent'; readonly upTo: LogIndex }
  | { readonly type: 'failed'; readonly reason: string };

/**
 * Sends one snapshot file to one peer, piece by piece, no faster than the peer writes it down and
 * than the configured speed. A connection that breaks is opened anew, and the peer says where to go
 * on. The file stays where it is until the end.
 */
export class SnapshotSender {
  readonly peer: NodeId;
  readonly instanceId: InstanceId;
  readonly #reader: SnapshotReader;
  readonly #term: Term;
  readonly #transport: Pick<Transport, 'openBulk' | 'closeBulk' | 'sendBulk'>;
  readonly #clock: Clock;
  readonly #settings: SnapshotSettings;
  readonly #metrics: SnapshotMetrics;
  readonly #onEnd: (result: SendResult) => void;
  /** Of the newest offer; answers to older ones say nothing. */
  #transferId = 0;
  /** Undefined until the newest offer was answered. Invariant: #acknowledged <= #sent. */
  #sent: number | undefined;
  #acknowledged = 0;
  #attempts = 0;
  #reading = false;
  /** When the configured speed allows the next piece. */
  #nextSendMs = 0;
  #paceTimer: Timer | undefined;
  #waitTimer: Timer | undefined;
  readonly #deadline: Timer;
  #ended = false;

  constructor(options: {
    peer: NodeId;
    instanceId: InstanceId;
    reader: SnapshotReader;
    term: Term;
    transport: Pick<Transport, 'openBulk' | 'closeBulk' | 'sendBulk'>;
    clock: Clock;
    settings: SnapshotSettings;
    metrics: SnapshotMetrics;
    onEnd: (result: SendResult) => void;
  }) {
    this.peer = options.peer;
    this.instanceId = options.instanceId;
    this.#reader = options.reader;
    this.#term = options.term;
    this.#transport = options.transport;
    this.#clock = options.clock;
    this.#settings = options.settings;
    this.#metrics = options.metrics;
    this.#onEnd = options.onEnd;
    const { pushTimeoutMs } = options.settings;
    this.#deadline = this.#clock.setTimer(pushTimeoutMs, () => {
      this.end({ type: 'failed', reason: `it took longer than ${pushTimeoutMs} ms` });
    });
    this.#open();
  }

  get index(): LogIndex {
    return this.#reader.info.header.index;
  }

  #open(): void {
    this.#forgetOffer();
    this.#transport.openBulk(this.peer);
    this.#awaitPeer();
  }

  onLinkUp(instanceId: InstanceId): void {
    if (instanceId === this.instanceId) this.#offer();
    else this.end({ type: 'failed', reason: 'another data directory answers there' });
  }

  /** The link opens itself anew, and the next offer tells what was lost. */
  onLinkDown(): void {
    this.#forgetOffer();
    this.#awaitPeer();
  }

  #forgetOffer(): void {
    this.#transferId += 1;
    this.#sent = undefined;
    this.#paceTimer?.cancel();
  }

  #offer(): void {
    this.#forgetOffer();
    const { header, lengthBytes, sha256 } = this.#reader.info;
    const { clusterId, formedAtWallMs, index, term: snapshotTerm } = header;
    const left = this.#transport.sendBulk(this.peer, {
      type: 'snapshotOffer',
      transferId: this.#transferId,
      term: this.#term,
      clusterId,
      formedAtWallMs,
      index,
      snapshotTerm,
      lengthBytes,
      sha256,
    });
    if (left) this.#awaitPeer();
  }

  /** Nothing may come for so long before the connection is given up and a new one is tried. */
  #awaitPeer(): void {
    this.#waitTimer?.cancel();
    this.#waitTimer = this.#clock.setTimer(this.#settings.chunkTimeoutMs, () => {
      if (this.#failOnce('the peer is silent')) this.#open();
    });
  }

  /** False: that was one failure too many, and the transfer is over. */
  #failOnce(reason: string): boolean {
    this.#attempts += 1;
    if (this.#attempts < this.#settings.pushAttemptsMax) return true;
    this.end({ type: 'failed', reason });
    return false;
  }

  onAnswer(answer: SnapshotAnswer): void {
    if (this.#ended || answer.transferId !== this.#transferId) return;
    switch (answer.state) {
      case 'complete':
        this.end({ type: 'sent', upTo: answer.upTo });
        return;
      case 'refused':
        this.#onRefused(answer.reason);
        return;
      case 'receiving':
        this.#onReceiving(answer.offset);
    }
  }

  #onRefused(reason: string): void {
    this.#forgetOffer();
    if (!this.#failOnce(reason)) return;
    this.#waitTimer?.cancel();
    this.#waitTimer = this.#clock.setTimer(this.#settings.pushBackoffMs, () => this.#offer());
  }

  #onReceiving(offset: number): void {
    this.#awaitPeer();
    if (this.#sent === undefined) {
      if (offset > 0) this.#metrics.resumed.add();
      this.#sent = offset;
      this.#acknowledged = offset;
    } else if (offset > this.#acknowledged) {
      this.#acknowledged = Math.min(offset, this.#sent);
      this.#attempts = 0;
    }
    this.#pump();
  }

  /** Reads and sends the next piece when nothing stands against it. */
  #pump(): void {
    const { lengthBytes } = this.#reader.info;
    if (this.#ended || this.#sent === undefined || this.#reading) return;
    if (this.#sent >= lengthBytes) return;
    if (this.#sent - this.#acknowledged >= limits.snapshotWindowBytes) return;
    const waitMs = this.#nextSendMs - this.#clock.monotonicMs();
    if (waitMs > 0) {
      this.#paceTimer?.cancel();
      this.#paceTimer = this.#clock.setTimer(waitMs, () => this.#pump());
      return;
    }
    this.#readNext(this.#transferId, this.#sent);
  }

  #readNext(transferId: number, offset: number): void {
    this.#reading = true;
    this.#reader.read(offset, this.#settings.chunkBytes).then(
      (data) => {
        this.#reading = false;
        if (this.#ended) return;
        if (transferId === this.#transferId) this.#send(offset, data);
        this.#pump();
      },
      (error: unknown) => this.end({ type: 'failed', reason: describeError(error) }),
    );
  }

  #send(offset: number, data: Uint8Array): void {
    const transferId = this.#transferId;
    const chunk = { type: 'snapshotChunk', transferId, offset, crc32: crc32(data), data } as const;
    if (!this.#transport.sendBulk(this.peer, chunk)) return;
    this.#sent = offset + data.length;
    this.#metrics.sentBytes.add(data.length);
    const { bandwidthMbpsMax } = this.#settings;
    if (bandwidthMbpsMax === 0) return;
    const now = this.#clock.monotonicMs();
    const tookMs = (data.length * 8) / (bandwidthMbpsMax * 1000);
    this.#nextSendMs = Math.max(now, this.#nextSendMs) + tookMs;
  }

  end(result: SendResult): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#deadline.cancel();
    this.#waitTimer?.cancel();
    this.#paceTimer?.cancel();
    this.#transport.closeBulk(this.peer);
    this.#onEnd(result);
  }
}
