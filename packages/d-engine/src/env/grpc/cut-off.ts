import { constants, type Http2Stream } from 'node:http2';

/**
 * Resets a stream from a turn of its own. From within an event of its session, Node 22 may write
 * the stream's pending end after it has destroyed the stream, and aborts the whole process
 * (`Assertion failed: !this->is_destroyed()` in Http2Stream::OnTrailers).
 */
export function cutOff(stream: Http2Stream, code: number = constants.NGHTTP2_CANCEL): void {
  setImmediate(() => {
    if (!stream.destroyed && !stream.closed) stream.close(code);
  });
}
