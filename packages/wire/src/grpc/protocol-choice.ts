import type { ByteStream, ByteStreamHandler } from '@d-engine/base';
import type { Ticker, Ticking } from '../http2/ticker.ts';
import { detectProtocol, http2Preface } from '../sniff.ts';

export interface ChoiceOwner {
  /** The first bytes are enough to tell. Returns who goes on; undefined: nobody wants it. */
  onDecided(protocol: 'http2' | 'http1', firstBytes: Uint8Array): ByteStreamHandler | undefined;
  onClosed(): void;
}

const noBytes: Buffer = Buffer.alloc(0);

/**
 * Finds out by the first bytes of a connection which protocol it speaks, and hands everything on
 * to whoever speaks it. A connection that does not say within the time is dropped.
 */
export class ProtocolChoice implements ByteStreamHandler, Ticking {
  readonly #stream: ByteStream;
  readonly #ticker: Ticker;
  readonly #owner: ChoiceOwner;
  #ticksLeft: number;
  #seen: Buffer = noBytes;
  #handler: ByteStreamHandler | undefined;
  #isDropped = false;

  constructor(stream: ByteStream, ticker: Ticker, timeoutMs: number, owner: ChoiceOwner) {
    this.#stream = stream;
    this.#ticker = ticker;
    this.#owner = owner;
    this.#ticksLeft = ticker.ticksOf(timeoutMs);
    ticker.add(this);
  }

  drop(): void {
    this.#isDropped = true;
    this.#seen = noBytes;
    this.#stream.destroy();
  }

  onBytes(bytes: Uint8Array): void {
    if (this.#handler !== undefined) this.#handler.onBytes(bytes);
    else if (!this.#isDropped) this.#look(bytes);
  }

  onDrain(): void {
    this.#handler?.onDrain?.();
  }

  onEnd(): void {
    if (this.#handler === undefined) this.drop();
    else this.#handler.onEnd();
  }

  onClose(error: Error | undefined): void {
    this.#ticker.delete(this);
    this.#handler?.onClose(error);
    this.#owner.onClosed();
  }

  onTick(): void {
    this.#ticksLeft -= 1;
    if (this.#ticksLeft < 0) this.drop();
  }

  #look(bytes: Uint8Array): void {
    const seen = Buffer.concat([this.#seen, bytes]);
    const protocol = detectProtocol(seen.subarray(0, http2Preface.length));
    if (protocol === 'undecided') {
      this.#seen = seen;
      return;
    }
    this.#seen = noBytes;
    this.#ticker.delete(this);
    const handler = this.#owner.onDecided(protocol, seen);
    if (handler === undefined) {
      this.drop();
      return;
    }
    this.#handler = handler;
    if (protocol === 'http2') handler.onBytes(seen);
  }
}
