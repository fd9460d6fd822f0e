import type { Clock } from '@d-engine/base';
import { AdaptiveWindow } from './adaptive-window.ts';
import { initialWindowBytes } from './codes.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { Http2Options } from './http2-options.ts';
import type { Http2Stream } from './http2-stream.ts';
import { ReceiveWindow } from './receive-window.ts';

/** What the peer may send, on the connection and on each of its streams. */
export class ReceiveFlow {
  /** What every stream begins with. */
  streamWindowBytes: number;
  readonly connectionWindow: ReceiveWindow = new ReceiveWindow(initialWindowBytes);
  readonly #writer: FrameWriter;
  readonly #adaptive: AdaptiveWindow | undefined;

  constructor(options: Http2Options, clock: Clock, writer: FrameWriter) {
    this.streamWindowBytes = options.streamWindowBytes;
    this.#writer = writer;
    this.#adaptive = options.adaptiveWindow
      ? new AdaptiveWindow(clock, options.streamWindowBytes, options.adaptiveWindowBytesMax)
      : undefined;
  }

  /** Content came. True: a PING should measure the link now. */
  received(bytes: number): boolean {
    return this.#adaptive?.received(bytes) ?? false;
  }

  /** The PING was answered. Returns the new window of streams, when it is another one. */
  measured(streams: Iterable<Http2Stream>): number | undefined {
    const bytes = this.#adaptive?.answered();
    if (bytes === undefined) return undefined;
    this.streamWindowBytes = bytes;
    for (const stream of streams) stream.receiveWindow.growTo(bytes);
    this.growConnection(bytes);
    return bytes;
  }

  growConnection(bytes: number): void {
    const more = this.connectionWindow.growTo(bytes);
    if (more > 0) this.#writer.windowUpdate(0, more);
  }

  /** Bytes were done with; of a stream, unless it is over. */
  consume(stream: Http2Stream | undefined, bytes: number): void {
    const update = this.connectionWindow.consume(bytes);
    if (update > 0) this.#writer.windowUpdate(0, update);
    if (stream === undefined || stream.hasEndedThere) return;
    const streamUpdate = stream.receiveWindow.consume(bytes);
    if (streamUpdate > 0) this.#writer.windowUpdate(stream.id, streamUpdate);
  }
}
