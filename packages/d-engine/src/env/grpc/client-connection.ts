import { type ClientHttp2Session, connect } from 'node:http2';
import { connect as connectSocket, type Socket } from 'node:net';
import type { Address, Failure } from '@d-engine/base';
import { KeepAlive } from './keep-alive.ts';
import { clientSettings, type NetworkSettings } from './network-options.ts';
import { dialHost, formatSocketAddress, type SocketAddress } from './socket-address.ts';

/** A call or stream that waits for a connection to stand. One of the two is called, once. */
export interface Waiter {
  onOpen(connection: ClientConnection): void;
  onUnavailable(failure: Failure): void;
}

/**
 * One TCP connection with its HTTP/2 session, from dialling to its loss; it never comes back.
 * It is open once the peer's SETTINGS are here: before that no byte of a request leaves, so
 * whatever fails until then was certainly not sent.
 */
export class ClientConnection {
  readonly session: ClientHttp2Session;
  readonly #address: Address;
  readonly #socket: Socket;
  readonly #waiters: Set<Waiter> = new Set();
  readonly #keepAlive: KeepAlive;
  readonly #connectTimer: NodeJS.Timeout;
  #state: 'connecting' | 'open' | 'draining' | 'lost' = 'connecting';
  #reason: string | undefined;

  constructor(
    address: Address,
    target: SocketAddress,
    connectTimeoutMs: number,
    settings: NetworkSettings,
    hasOpenCalls: () => boolean,
  ) {
    const host = dialHost(target.host);
    const socket = connectSocket({ host, port: target.port, noDelay: true });
    this.#address = address;
    this.#socket = socket;
    this.session = connect(`http://${formatSocketAddress(host, target.port)}`, {
      createConnection: () => socket,
      settings: clientSettings,
      maxSessionMemory: 64,
    });
    this.#keepAlive = new KeepAlive(this.session, socket, settings, hasOpenCalls, (reason) =>
      this.#giveUp(reason),
    );
    this.#connectTimer = setTimeout(
      () => this.#connectTimedOut(connectTimeoutMs),
      connectTimeoutMs,
    );
    this.#listen();
  }

  /** Whether new calls may go over it. */
  get usable(): boolean {
    // The session may know of its end before its 'close' event has told us.
    if (this.session.closed || this.session.destroyed) return false;
    return this.#state === 'connecting' || this.#state === 'open';
  }

  get lost(): boolean {
    return this.#state === 'lost' || this.#socket.destroyed;
  }

  /** Why it is gone. */
  get lossMessage(): string {
    return `connection to ${this.#address} lost: ${this.#reason ?? 'the peer closed it'}`;
  }

  whenOpen(waiter: Waiter): void {
    if (this.#state === 'connecting') this.#waiters.add(waiter);
    else waiter.onOpen(this);
  }

  /** The waiter no longer wants to hear. */
  forget(waiter: Waiter): void {
    this.#waiters.delete(waiter);
  }

  close(): void {
    this.#giveUp('the channel was closed');
  }

  #listen(): void {
    const { session } = this;
    session.once('remoteSettings', () => this.#opened());
    // The peer takes no new calls; those it has it will still answer.
    session.on('goaway', () => {
      if (this.#state === 'open') this.#state = 'draining';
    });
    session.on('error', (error: NodeJS.ErrnoException) => {
      this.#reason ??= error.code === undefined ? error.message : describeCode(error);
    });
    session.on('close', () => this.#closed());
  }

  #opened(): void {
    if (this.#state !== 'connecting') return;
    this.#state = 'open';
    clearTimeout(this.#connectTimer);
    this.#keepAlive.start();
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter.onOpen(this);
  }

  #connectTimedOut(timeoutMs: number): void {
    // The loop may have been blocked: what arrived meanwhile is read before judging.
    setImmediate(() => {
      if (this.#state === 'connecting') this.#giveUp(`no answer within ${timeoutMs} ms`);
    });
  }

  #giveUp(reason: string): void {
    this.#reason ??= reason;
    this.session.destroy();
    this.#socket.destroy();
  }

  #closed(): void {
    const connecting = this.#state === 'connecting';
    this.#state = 'lost';
    clearTimeout(this.#connectTimer);
    this.#keepAlive.stop();
    if (!connecting) return;
    const reason = this.#reason ?? 'the peer closed the connection';
    const message = `cannot connect to ${this.#address}: ${reason}`;
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter.onUnavailable({ status: 'unavailable', message });
  }
}

/** `ECONNREFUSED` says more to an operator than a sentence around it; Node's own codes do not. */
function describeCode(error: NodeJS.ErrnoException): string {
  return error.code?.startsWith('ERR_') === false ? error.code : error.message;
}
