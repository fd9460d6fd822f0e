import { errorCodes } from './codes.ts';
import type { Http2Options } from './http2-options.ts';
import { KeepAlive, type KeepAliveStep } from './keep-alive.ts';
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
  readonly #answers: KeepAlive | undefined;
  #isAsking = false;
  #settingsTicks = 0;
  #headersTicks = 0;

  constructor(options: Http2Options, ticker: Pick<Ticker, 'ticksOf'>) {
    this.#options = options;
    this.#settingsTicksMax = ticker.ticksOf(options.settingsTimeoutMs);
    this.#headersTicksMax = ticker.ticksOf(options.headersTimeoutMs);
    this.#keepAlive = new KeepAlive(
      ticker.ticksOf(options.keepAliveIntervalMs),
      ticker.ticksOf(options.keepAliveTimeoutMs),
    );
    const silenceTicks = ticker.ticksOf(options.answerSilenceMs);
    if (options.answerSilenceMs > 0) this.#answers = new KeepAlive(silenceTicks, silenceTicks);
  }

  heard(): void {
    this.#isAsking = false;
    this.#keepAlive.heard();
    this.#answers?.heard();
  }

  /** Something of a stream was sent. */
  asked(): void {
    this.#isAsking = true;
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
    const { keepAliveIntervalMs, keepAliveTimeoutMs, answerSilenceMs } = this.#options;
    const idle = dueOf(
      this.#keepAlive.tick(awaited.life),
      keepAliveIntervalMs + keepAliveTimeoutMs,
    );
    if (this.#answers === undefined || idle.kind === 'gone') return idle;
    const answers = dueOf(this.#answers.tick(this.#isAsking), 2 * answerSilenceMs);
    return answers.kind === 'nothing' ? idle : answers;
  }
}

function dueOf(step: KeepAliveStep, silentMs: number): Due {
  switch (step) {
    case 'nothing':
      return nothing;
    case 'ask':
      return ping;
    case 'give up':
      return { kind: 'gone', reason: `no sign of life for ${silentMs} ms` };
  }
}
