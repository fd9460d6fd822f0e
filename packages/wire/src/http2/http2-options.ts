import type { Clock, StreamTuning } from '@d-engine/base';
import { limits } from '@d-engine/base';
import { frameBytesMin } from './codes.ts';
import type { Ticker } from './ticker.ts';
import type { TurnFlusher } from './turn-flusher.ts';

const mebibyte = 1024 * 1024;

/** What one side of a connection may be told. */
export interface Http2Options {
  /**
   * What the calling side tells of the connection's use, as its first word; 0: nothing. The serving
   * side may have options for each (`ServerConnection`).
   */
  readonly purpose: number;
  /** Streams that the calling side has open at a time; the peer may take fewer. */
  readonly openStreamsMax: number;
  /** Of the stream of bytes below. */
  readonly tuning: StreamTuning;
  /** Streams that the peer may have open at a time. */
  readonly maxConcurrentStreams: number;
  /** What the peer may have under way on one stream ... */
  readonly streamWindowBytes: number;
  /** ... and on all of them. */
  readonly connectionWindowBytes: number;
  /** Windows grow with the product of bandwidth and round trip that is measured. */
  readonly adaptiveWindow: boolean;
  /** The largest that an adaptive window becomes. */
  readonly adaptiveWindowBytesMax: number;
  /** The largest frame that is taken. */
  readonly maxFrameBytes: number;
  /** Names, values and 32 bytes for each of the fields of one header list. */
  readonly maxHeaderListBytes: number;
  /** What the peer's encoder may remember. */
  readonly headerTableBytes: number;
  /** How long the peer may take to acknowledge SETTINGS, and to send its first ones. */
  readonly settingsTimeoutMs: number;
  /** How long one header block may take from its first byte to its last. */
  readonly headersTimeoutMs: number;
  /** A connection that brought nothing for this long is asked for a sign of life by PING ... */
  readonly keepAliveIntervalMs: number;
  /** ... and is given up when none comes within this. */
  readonly keepAliveTimeoutMs: number;
  /** Whether it is asked also while no stream is open. */
  readonly keepAliveWhileIdle: boolean;
  /**
   * The same after something of a stream was sent, and given up after as long again; 0: as if
   * nothing had been sent.
   */
  readonly answerSilenceMs: number;
  /** How long nobody may take the next 256 KiB, or the rest, of what a stream has to send. */
  readonly stallTimeoutMs: number;
}

export const http2Defaults: Http2Options = {
  purpose: 0,
  openStreamsMax: Number.POSITIVE_INFINITY,
  tuning: {},
  // Each stream costs some kilobytes before it has sent a byte; callers with more queue them.
  maxConcurrentStreams: 1_024,
  // Some streams may stand still without stopping the others.
  streamWindowBytes: 8 * mebibyte,
  connectionWindowBytes: 32 * mebibyte,
  adaptiveWindow: false,
  adaptiveWindowBytesMax: 64 * mebibyte,
  // What every peer may send anyway (RFC 9113, section 4.2); larger ones save 9 bytes in 16,393.
  maxFrameBytes: frameBytesMin,
  // Above it the list is not even looked at; below it the call gets a status that says why.
  maxHeaderListBytes: 4 * limits.metadataBytesMax,
  headerTableBytes: 4_096,
  settingsTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  keepAliveIntervalMs: 5_000,
  keepAliveTimeoutMs: 5_000,
  keepAliveWhileIdle: false,
  answerSilenceMs: 0,
  stallTimeoutMs: 30_000,
};

/** What all connections of a network share. */
export interface Http2Context {
  readonly clock: Clock;
  readonly ticker: Ticker;
  readonly flusher: TurnFlusher;
}
