import type { Address, ByteNetwork, Failure, Plane, Timer } from '@d-engine/base';
import { StatusError } from '@d-engine/base';
import { ClientConnection, type ConnectionOwner } from '../http2/client-connection.ts';
import { closedByPeer } from '../http2/http2-error.ts';
import type { Http2Context } from '../http2/http2-options.ts';
import { clientOptions, type NetworkSettings } from './network-options.ts';

/**
 * A call or stream that waits until the connection stands, and has room for it. One of the two is
 * called, once.
 */
export interface Waiter {
  onOpen(link: ChannelLink): void;
  onUnavailable(failure: Failure): void;
}

export interface LinkOptions {
  readonly address: Address;
  readonly plane: Plane | undefined;
  readonly bytes: ByteNetwork;
  readonly connectTimeoutMs: number;
  readonly settings: NetworkSettings;
  readonly http2: Http2Context;
  /** Runs a callback once what has arrived was read. */
  readonly afterPoll: (callback: () => void) => void;
  /** It stood, or never did. */
  readonly onOutcome: (connected: boolean, failure: Failure | undefined) => void;
  /** The time to connect is over. */
  readonly onSlow: () => void;
}

/**
 * One connection of a channel, from dialling to its loss; it never comes back. It is open once the
 * peer's SETTINGS are here: before that no byte of a request leaves, so whatever fails until then
 * was certainly not sent.
 */
export class ChannelLink implements ConnectionOwner {
  readonly connection: ClientConnection;
  readonly #options: LinkOptions;
  readonly #waiters: Set<Waiter> = new Set();
  readonly #connectTimer: Timer;
  #state: 'connecting' | 'open' | 'unusable' = 'connecting';

  constructor(options: LinkOptions) {
    const { address, plane, bytes, connectTimeoutMs, settings, http2 } = options;
    this.#options = options;
    this.connection = new ClientConnection(
      clientOptions(settings, plane),
      http2,
      (handler) => bytes.connect(address, handler),
      this,
    );
    this.#connectTimer = http2.clock.setTimer(connectTimeoutMs, () => this.#connectTimedOut());
  }

  /** Whether new calls may go over it. */
  get isUsable(): boolean {
    return this.#state !== 'unusable' && this.connection.isUsable;
  }

  get isLost(): boolean {
    return this.connection.isOver;
  }

  /** Why it is gone. */
  get lossMessage(): string {
    const reason = this.connection.endReason ?? closedByPeer;
    return `connection to ${this.#options.address} lost: ${reason}`;
  }

  whenOpen(waiter: Waiter): void {
    if (this.#waiters.size === 0 && this.connection.hasRoom) waiter.onOpen(this);
    else this.#waiters.add(waiter);
  }

  /** The waiter no longer wants to hear. */
  forget(waiter: Waiter): void {
    if (this.#waiters.size > 0) this.#waiters.delete(waiter);
  }

  close(): void {
    this.connection.destroy('the channel was closed');
  }

  onReady(): void {
    this.#state = 'open';
    this.#connectTimer.cancel();
    this.#options.onOutcome(true, undefined);
    this.onRoom();
  }

  onRoom(): void {
    for (const waiter of this.#waiters) {
      if (this.#state !== 'open' || !this.connection.hasRoom) return;
      this.#waiters.delete(waiter);
      waiter.onOpen(this);
    }
  }

  onUnusable(): void {
    if (this.#state === 'unusable') return;
    const wasConnecting = this.#state === 'connecting';
    this.#state = 'unusable';
    this.#connectTimer.cancel();
    const failure = this.#failure(wasConnecting);
    if (wasConnecting) this.#options.onOutcome(false, failure);
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter.onUnavailable(failure);
  }

  onGone(): void {
    this.onUnusable();
  }

  #failure(wasConnecting: boolean): Failure {
    const { address } = this.#options;
    if (wasConnecting) {
      const { endError, endReason = closedByPeer } = this.connection;
      // Made for whoever reads it, with the address in it.
      if (endError instanceof StatusError && !endError.mayHaveBeenSent) return endError;
      const wasLost = endError instanceof StatusError || endReason === closedByPeer;
      const reason = wasLost ? `${endReason} ${beforeHttp2}` : endReason;
      return { status: 'unavailable', message: `cannot connect to ${address}: ${reason}` };
    }
    const message = this.isLost ? this.lossMessage : `${address} takes no new calls`;
    return { status: 'unavailable', message };
  }

  #connectTimedOut(): void {
    // The loop may have been blocked: what arrived meanwhile is read before judging.
    this.#options.afterPoll(() => {
      if (this.#state !== 'connecting') return;
      this.#options.onSlow();
      this.connection.destroy(`no answer within ${this.#options.connectTimeoutMs} ms`);
    });
  }
}

/** All that this side can know of a peer that went away without a word. */
const beforeHttp2 =
  'before it spoke HTTP/2: it may expect TLS, not trust our certificate, or be stopping';
