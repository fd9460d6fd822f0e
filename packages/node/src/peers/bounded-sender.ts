import type { MessageStream } from '@d-engine/base';
import { limits } from '@d-engine/base';

/**
 * What goes to a peer on one stream. A peer that reads slower than it is written to makes messages
 * wait in this process; from a bound on, more of them are dropped, as when the stream is not there:
 * Raft repeats what matters, and a forwarded write is told that it has not left.
 */
export class BoundedSender {
  readonly #stream: MessageStream;
  readonly #onDropped: () => void;
  /** Sent since the stream said that the peer is behind; 0 when it is not. */
  #waitingBytes = 0;

  constructor(stream: MessageStream, onDropped: () => void) {
    this.#stream = stream;
    this.#onDropped = onDropped;
  }

  /** False: dropped. */
  send(message: Uint8Array): boolean {
    const waitingBytes = this.#waitingBytes + message.length;
    if (waitingBytes > limits.peerWaitingBytesMax) {
      this.#onDropped();
      return false;
    }
    this.#waitingBytes = this.#stream.send(message) ? 0 : waitingBytes;
    return true;
  }

  /** The peer caught up. */
  drained(): void {
    this.#waitingBytes = 0;
  }
}
