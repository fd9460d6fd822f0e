import { errorCodes } from './codes.ts';
import type { Http2Options } from './http2-options.ts';
import { KeepAlive } from './keep-alive.ts';
import type { Ticker } from './ticker.ts';

/** What a connection is waiting for just now. */
export interface Awaited {
  /** First ones, or an acknowledgement. */
  readonly settings: boolean;
  /** The rest of a header block, or of a frame. */
  readonly headers: boolean;
  /** A peer that is silent, but should be there. */
  readonly life: boolean;
}

/** What is due at a tick. */
export type Due =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'ping' }
  /** The peer is told by GOAWAY. */
  | { readonly kind: 'fail'; readonly code: number; readonly message: string }
  /** The peer is not there. */
  | { readonly kind: 'gone'; readonly reason: string };

const nothing: Due = { kind: 'nothing' };
const ping: Due = { kind: 'ping' };

/** How long a connection may wait for what, counted in ticks. */
export class ConnectionTimes {
  readonly #options: Http2Options;
  readonly #settingsTicksMax: number;
  readonly #headersTicksMax: number;
  readonly #keepAlive: KeepAlive;
  #settingsTicks = 0;
  #headersTicks = 0;

  constructor(options: Http2Options, ticker: Ticker) {
    this.#options = options;
    this.#settingsTicksMax = ticker.ticksOf(options.settingsTimeoutMs);
    this.#headersTicksMax = ticker.ticksOf(options.headersTimeoutMs);
    this.#keepAlive = new KeepAlive(
      ticker.ticksOf(options.keepAliveIntervalMs),
      ticker.ticksOf(options.keepAliveTimeoutMs),
    );
  }

  heard(): void {
    this.#keepAlive.heard();
  }

  /** An acknowledgement came; the next one has its own time. */
  acknowledged(): void {
    this.#settingsTicks = 0;
  }

  tick(awaited: Awaited): Due {
    const { settingsTimeoutMs, headersTimeoutMs } = this.#options;
    this.#settingsTicks = awaited.settings ? this.#settingsTicks + 1 : 0;
    if (this.#settingsTicks > this.#settingsTicksMax) {
      const message = `no SETTINGS within ${settingsTimeoutMs} ms`;
      return { kind: 'fail', code: errorCodes.settingsTimeout, message };
    }
    this.#headersTicks = awaited.headers ? this.#headersTicks + 1 : 0;
    if (this.#headersTicks > this.#headersTicksMax) {
      const message = `headers not complete within ${headersTimeoutMs} ms`;
      return { kind: 'fail', code: errorCodes.enhanceYourCalm, message };
    }
    switch (this.#keepAlive.tick(awaited.life)) {
      case 'nothing':
        return nothing;
      case 'ask':
        return ping;
      case 'give up': {
        const { keepAliveIntervalMs, keepAliveTimeoutMs } = this.#options;
        const silentMs = keepAliveIntervalMs + keepAliveTimeoutMs;
        return { kind: 'gone', reason: `no sign of life for ${silentMs} ms` };
      }
    }
  }
}
