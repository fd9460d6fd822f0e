import type { Compute } from '@d-engine/base';

/** Smaller messages would hardly shrink, and a trip off the loop costs more than their bytes. */
export const packFromBytes = 1_024;

/** How messages may be packed; more kinds would need more than a flag in each message. */
export type Compression = 'gzip';

/**
 * Packs a message off the loop. Undefined: it goes as it is, because it would not get smaller, or
 * because it could not be packed, which is no reason not to send it.
 */
export function pack(
  compute: Compute,
  message: Uint8Array,
  onDone: (packed: Uint8Array | undefined) => void,
): void {
  compute.gzip(message).then(
    (packed) => onDone(packed.length < message.length ? packed : undefined),
    () => onDone(undefined),
  );
}

/** Packs what a stream sends, and keeps its order: what comes behind a message waits for it. */
export class MessagePacker {
  /** Of messages that wait. */
  queuedBytes = 0;
  readonly #compute: Compute;
  readonly #write: (message: Uint8Array, isPacked: boolean) => void;
  #queue: Uint8Array[] = [];
  #isPacking = false;
  #onEmpty: (() => void) | undefined;

  constructor(compute: Compute, write: (message: Uint8Array, isPacked: boolean) => void) {
    this.#compute = compute;
    this.#write = write;
  }

  send(message: Uint8Array): void {
    this.queuedBytes += message.length;
    this.#queue.push(message);
    this.#writeOn();
  }

  /** Calls back when all that was sent is written: now, or later. */
  whenEmpty(callback: () => void): void {
    if (this.#queue.length === 0) callback();
    else this.#onEmpty = callback;
  }

  /** What waits is dropped. */
  stop(): void {
    this.#queue = [];
    this.queuedBytes = 0;
    this.#onEmpty = undefined;
  }

  #writeOn(): void {
    while (!this.#isPacking) {
      const [message] = this.#queue;
      if (message === undefined) break;
      if (message.length >= packFromBytes) this.#pack(message);
      else this.#writeFirst(message, message, false);
    }
    if (this.#queue.length > 0) return;
    const onEmpty = this.#onEmpty;
    this.#onEmpty = undefined;
    onEmpty?.();
  }

  #pack(message: Uint8Array): void {
    this.#isPacking = true;
    pack(this.#compute, message, (packed) => {
      this.#isPacking = false;
      // Not when it was stopped meanwhile.
      if (this.#queue[0] !== message) return;
      this.#writeFirst(message, packed ?? message, packed !== undefined);
      this.#writeOn();
    });
  }

  #writeFirst(message: Uint8Array, bytes: Uint8Array, isPacked: boolean): void {
    this.#queue.shift();
    this.queuedBytes -= message.length;
    this.#write(bytes, isPacked);
  }
}
