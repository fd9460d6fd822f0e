import type { IncomingStream, StreamHandler } from '@d-engine/base';
import { DEngineError, describeError, limits } from '@d-engine/base';
import type { SnapshotReader } from '@d-engine/storage';
import { encodeSnapshotPart, toFailure } from '@d-engine/wire';

/** Pieces of this size keep the loop free and a stream busy. */
const partBytes = 262_144;

/**
 * Hands out the member's whole state as a snapshot file, to whoever may read all keys: everybody
 * who reaches the port. One at a time: it costs the disk as much as all other work of a member.
 */
export class SnapshotSaves {
  readonly #open: () => Promise<SnapshotReader>;
  readonly #onSaved: () => void;
  #isBusy = false;

  constructor(options: { open: () => Promise<SnapshotReader>; onSaved: () => void }) {
    this.#open = options.open;
    this.#onSaved = options.onSaved;
  }

  take(stream: IncomingStream): StreamHandler {
    return new SnapshotSave(stream, () => this.#begin(), this.#onSaved);
  }

  async #begin(): Promise<SnapshotReader> {
    if (this.#isBusy) {
      const message = 'this member is handing out a snapshot already: retry later, or ask another';
      throw new DEngineError('RateLimited', message, { retryAfterMs: limits.snapshotSaveRetryMs });
    }
    this.#isBusy = true;
    try {
      const reader = await this.#open();
      const close = async (): Promise<void> => {
        this.#isBusy = false;
        await reader.close();
      };
      return { info: reader.info, read: (offset, length) => reader.read(offset, length), close };
    } catch (error) {
      this.#isBusy = false;
      throw error;
    }
  }
}

class SnapshotSave implements StreamHandler {
  readonly #stream: IncomingStream;
  readonly #begin: () => Promise<SnapshotReader>;
  readonly #onSaved: () => void;
  #state: 'new' | 'sending' | 'over' = 'new';
  #onRoom: (() => void) | undefined;

  constructor(stream: IncomingStream, begin: () => Promise<SnapshotReader>, onSaved: () => void) {
    this.#stream = stream;
    this.#begin = begin;
    this.#onSaved = onSaved;
  }

  onMessage(): void {
    if (this.#state !== 'new') {
      this.#fail(new DEngineError('InvalidRequest', 'a snapshot is asked for once a stream'));
      return;
    }
    this.#state = 'sending';
    this.#send().catch((error: unknown) => this.#fail(error));
  }

  onDrain(): void {
    this.#onRoom?.();
  }

  onClose(): void {
    this.#state = 'over';
    this.#onRoom?.();
  }

  async #send(): Promise<void> {
    const reader = await this.#begin();
    try {
      const { lengthBytes } = reader.info;
      for (let offset = 0; offset < lengthBytes && !this.#isOver(); offset += partBytes) {
        const data = await reader.read(offset, Math.min(partBytes, lengthBytes - offset));
        if (!this.#isOver() && !this.#stream.send(encodeSnapshotPart({ data }))) await this.#room();
      }
      if (this.#isOver()) return;
      this.#onSaved();
      this.#stream.end();
    } finally {
      await reader.close();
    }
  }

  #isOver(): boolean {
    return this.#state === 'over';
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRoom = () => {
        this.#onRoom = undefined;
        resolve();
      };
    });
  }

  #fail(error: unknown): void {
    if (this.#isOver()) return;
    this.#state = 'over';
    const told =
      error instanceof DEngineError
        ? error
        : new DEngineError('StorageIoError', `no snapshot: ${describeError(error)}`);
    this.#stream.reset(toFailure(told));
  }
}
