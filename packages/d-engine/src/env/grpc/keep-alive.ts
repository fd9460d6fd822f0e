import type { Http2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { NetworkSettings } from './network-options.ts';

const nothing = (): void => undefined;

/**
 * Finds out that a peer is gone although its connection stands: a host that lost power or a cut
 * cable sends nothing, and TCP itself takes minutes to notice. Only while calls are open.
 */
export class KeepAlive {
  readonly #session: Http2Session;
  readonly #socket: Socket;
  readonly #settings: NetworkSettings;
  readonly #hasOpenCalls: () => boolean;
  readonly #onSilence: (reason: string) => void;
  #interval: NodeJS.Timeout | undefined;
  #timeout: NodeJS.Timeout | undefined;
  #bytesSeen = 0;

  constructor(
    session: Http2Session,
    socket: Socket,
    settings: NetworkSettings,
    hasOpenCalls: () => boolean,
    onSilence: (reason: string) => void,
  ) {
    this.#session = session;
    this.#socket = socket;
    this.#settings = settings;
    this.#hasOpenCalls = hasOpenCalls;
    this.#onSilence = onSilence;
  }

  start(): void {
    this.#bytesSeen = this.#socket.bytesRead;
    this.#interval = setInterval(() => this.#check(), this.#settings.keepAliveIntervalMs);
    this.#interval.unref();
  }

  stop(): void {
    clearInterval(this.#interval);
    clearTimeout(this.#timeout);
  }

  #check(): void {
    if (this.#timeout !== undefined || this.#heard() || !this.#hasOpenCalls()) return;
    if (this.#session.destroyed) return;
    // Any byte counts as an answer, so the ping's own callback has nothing to add.
    this.#session.ping(nothing);
    const { keepAliveTimeoutMs } = this.#settings;
    this.#timeout = setTimeout(() => {
      // The loop may have been blocked: what arrived meanwhile is read before judging.
      setImmediate(() => this.#judge());
    }, keepAliveTimeoutMs);
    this.#timeout.unref();
  }

  #judge(): void {
    this.#timeout = undefined;
    if (this.#heard() || this.#session.destroyed) return;
    const { keepAliveIntervalMs, keepAliveTimeoutMs } = this.#settings;
    this.#onSilence(`no sign of life for ${keepAliveIntervalMs + keepAliveTimeoutMs} ms`);
  }

  #heard(): boolean {
    const bytes = this.#socket.bytesRead;
    const heard = bytes !== this.#bytesSeen;
    this.#bytesSeen = bytes;
    return heard;
  }
}
