import { errorCodes, frameTypes } from './codes.ts';
import { ConnectionError } from './http2-error.ts';
import { http2Limits } from './http2-limits.ts';
import type { PastStream } from './recent-streams.ts';

/** What can be said of a frame by its head alone (RFC 9113, sections 4.2 and 6). */
export function checkFrameHead(type: number, streamId: number, length: number): void {
  switch (type) {
    case frameTypes.data:
    case frameTypes.headers:
    case frameTypes.continuation:
    case frameTypes.priority:
      requireStream(streamId);
      break;
    case frameTypes.rstStream:
      requireStream(streamId);
      requireLength(length === 4, length);
      break;
    case frameTypes.settings:
      requireConnection(streamId);
      requireLength(length % 6 === 0 && length <= 6 * http2Limits.settingsEntriesMax, length);
      break;
    case frameTypes.pushPromise:
      // This side has forbidden it (section 8.4), and clients never send one.
      throw new ConnectionError(errorCodes.protocolError, 'PUSH_PROMISE is not allowed');
    case frameTypes.ping:
      requireConnection(streamId);
      requireLength(length === 8, length);
      break;
    case frameTypes.goaway:
      requireConnection(streamId);
      requireLength(length >= 8 && length <= 8 + http2Limits.goawayBytesMax, length);
      break;
    case frameTypes.windowUpdate:
      requireLength(length === 4, length);
      break;
    default:
    // Unknown ones are ignored (section 5.5).
  }
}

/** Whether a frame for a stream that is not there may have been sent in good faith (5.1). */
export function checkStrayFrame(type: number, isIdle: boolean, past: PastStream): void {
  if (isIdle) {
    throw new ConnectionError(errorCodes.protocolError, 'a frame for a stream that never began');
  }
  if (type !== frameTypes.data || past === 'reset here') return;
  throw new ConnectionError(errorCodes.streamClosed, 'DATA for a stream that is over');
}

function requireStream(streamId: number): void {
  if (streamId !== 0) return;
  throw new ConnectionError(errorCodes.protocolError, 'the frame needs a stream');
}

function requireConnection(streamId: number): void {
  if (streamId === 0) return;
  throw new ConnectionError(errorCodes.protocolError, 'the frame is of the whole connection');
}

function requireLength(fits: boolean, length: number): void {
  if (fits) return;
  const message = `the frame cannot have ${length} bytes`;
  throw new ConnectionError(errorCodes.frameSizeError, message);
}
