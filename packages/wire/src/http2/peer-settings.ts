import {
  errorCodes,
  frameBytesMax,
  frameBytesMin,
  initialWindowBytes,
  settingIds,
  windowBytesMax,
} from './codes.ts';
import { sentFrameBytesMax } from './frame-writer.ts';
import { ConnectionError } from './http2-error.ts';

/** What the other side has asked for, from its SETTINGS frames (RFC 9113, section 6.5.2). */
export class PeerSettings {
  maxConcurrentStreams: number = Number.POSITIVE_INFINITY;
  streamWindowBytes: number = initialWindowBytes;
  /** The largest payload that is sent to it; never more than a block of output takes. */
  frameBytes: number = frameBytesMin;
  maxHeaderListBytes: number = Number.POSITIVE_INFINITY;
  headerTableBytes = 4_096;

  /** One entry. Throws ConnectionError for a value that the RFC forbids. */
  apply(id: number, value: number): void {
    switch (id) {
      case settingIds.headerTableSize:
        this.headerTableBytes = value;
        break;
      case settingIds.enablePush:
        if (value > 1) throw wrong('ENABLE_PUSH', value, errorCodes.protocolError);
        break;
      case settingIds.maxConcurrentStreams:
        this.maxConcurrentStreams = value;
        break;
      case settingIds.initialWindowSize:
        if (value > windowBytesMax) {
          throw wrong('INITIAL_WINDOW_SIZE', value, errorCodes.flowControlError);
        }
        this.streamWindowBytes = value;
        break;
      case settingIds.maxFrameSize:
        if (value < frameBytesMin || value > frameBytesMax) {
          throw wrong('MAX_FRAME_SIZE', value, errorCodes.protocolError);
        }
        this.frameBytes = Math.min(value, sentFrameBytesMax);
        break;
      case settingIds.maxHeaderListSize:
        this.maxHeaderListBytes = value;
        break;
      default:
      // Unknown ones are ignored.
    }
  }
}

function wrong(name: string, value: number, code: number): ConnectionError {
  return new ConnectionError(code, `SETTINGS_${name} cannot be ${value}`);
}
