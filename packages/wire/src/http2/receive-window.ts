/** What the peer may still send, on a stream or on the connection (RFC 9113, section 6.9). */
export class ReceiveWindow {
  #sizeBytes: number;
  #leftBytes: number;
  /** Read and done with, but the peer does not know yet. */
  #consumedBytes = 0;

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
    this.#leftBytes = sizeBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** False: the peer sent more than it may. */
  take(bytes: number): boolean {
    this.#leftBytes -= bytes;
    return this.#leftBytes >= 0;
  }

  /**
   * Bytes were done with. Returns what to tell the peer by WINDOW_UPDATE: nothing until it is a
   * good part of the window, so that small messages do not cost a frame each.
   */
  consume(bytes: number): number {
    this.#consumedBytes += bytes;
    if (this.#consumedBytes * 2 < this.#sizeBytes) return 0;
    const update = this.#consumedBytes;
    this.#consumedBytes = 0;
    this.#leftBytes += update;
    return update;
  }

  /** Returns by how much it became larger; how the peer is told is up to the caller. */
  growTo(sizeBytes: number): number {
    const more = Math.max(0, sizeBytes - this.#sizeBytes);
    this.#sizeBytes += more;
    this.#leftBytes += more;
    return more;
  }
}
