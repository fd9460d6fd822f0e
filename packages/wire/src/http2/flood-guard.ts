import { errorCodes } from './codes.ts';
import { ConnectionError } from './http2-error.ts';
import { http2Limits } from './http2-limits.ts';
import { TokenBucket } from './token-bucket.ts';

/** Counts what costs work and brings nothing; too much of it ends the connection. */
export class FloodGuard {
  readonly #pings: TokenBucket;
  readonly #settings: TokenBucket;
  readonly #resets: TokenBucket;
  readonly #emptyData: TokenBucket;
  readonly #windowUpdates: TokenBucket;
  readonly #ignored: TokenBucket;

  constructor(tickMs: number) {
    this.#pings = new TokenBucket(http2Limits.pings, tickMs);
    this.#settings = new TokenBucket(http2Limits.settings, tickMs);
    this.#resets = new TokenBucket(http2Limits.resets, tickMs);
    this.#emptyData = new TokenBucket(http2Limits.emptyData, tickMs);
    this.#windowUpdates = new TokenBucket(http2Limits.windowUpdates, tickMs);
    this.#ignored = new TokenBucket(http2Limits.ignored, tickMs);
  }

  ping(): void {
    if (!this.#pings.spend()) throw calm('PING frames');
  }

  settings(): void {
    if (!this.#settings.spend()) throw calm('SETTINGS frames');
  }

  /** A stream that the peer gave up, or broke. */
  reset(): void {
    if (!this.#resets.spend()) throw calm('streams that were reset');
  }

  emptyData(): void {
    if (!this.#emptyData.spend()) throw calm('empty DATA frames');
  }

  windowUpdate(): void {
    if (!this.#windowUpdates.spend()) throw calm('WINDOW_UPDATE frames');
  }

  ignored(): void {
    if (!this.#ignored.spend()) throw calm('frames that mean nothing');
  }

  /** A peer may answer content by window updates, and by a PING that measures (grpc-go does). */
  dataSent(): void {
    this.#windowUpdates.earn(http2Limits.windowUpdatesPerData);
    this.#pings.earn(1);
    this.#ignored.earn(1);
  }

  /** A stream came to its end in good order. */
  answered(): void {
    this.#resets.earn(1);
  }

  tick(): void {
    this.#pings.tick();
    this.#settings.tick();
    this.#resets.tick();
    this.#emptyData.tick();
    this.#windowUpdates.tick();
    this.#ignored.tick();
  }
}

function calm(what: string): ConnectionError {
  return new ConnectionError(errorCodes.enhanceYourCalm, `too many ${what}`);
}
