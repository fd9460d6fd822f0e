import type { Plane } from '@d-engine/base';
import { limits } from '@d-engine/base';
import { type Http2Options, http2Defaults } from '../http2/http2-options.ts';
import { isPeerMethod, isStreamMethod } from '../methods.ts';
import type { Compression } from './message-packer.ts';
import { type PlaneOptions, planeOfPurpose, purposeOf } from './plane-options.ts';

const mebibyte = 1024 * 1024;

/** What a network of this kind may be told; tests make the limits small. */
export interface NetworkSettings {
  /** The wire does not say whether a method is a stream. Default: what `methods.ts` knows. */
  readonly isStream: (method: string) => boolean;
  /** The largest request message of a method. */
  readonly requestBytesMax: (method: string) => number;
  /** The largest message that a channel takes for an answer. */
  readonly answerBytesMax: number;
  /** Whether answers of a method are packed, for callers that can unpack. Default: none are. */
  readonly compression: (method: string) => Compression | undefined;
  /** Bytes that a stream queues before `send` says that the receiver is behind. */
  readonly sendBufferBytes: number;
  /** For a channel that was not given one of its own. */
  readonly connectTimeoutMs: number;
  /** How long a new connection may take to show that it speaks HTTP/2. */
  readonly sniffTimeoutMs: number;
  /**
   * A connection with open calls that brought nothing for this long is asked for a sign of life.
   */
  readonly keepAliveIntervalMs: number;
  /** ... and given up when none comes within this. */
  readonly keepAliveTimeoutMs: number;
  /** Bytes of clients' unary requests that a listener holds while they are being read. */
  readonly requestBudgetBytes: number;
  /** Bytes of answers to clients that a listener holds until they are sent. */
  readonly answerBudgetBytes: number;
  /** A request of which the next 256 KiB, or the rest, do not come within this is refused. */
  readonly requestReadTimeoutMs: number;
  /** An answer of which nobody takes the next 256 KiB, or the rest, within this is cut off. */
  readonly answerStallTimeoutMs: number;
  /** Connections that a listener has open; more are closed at once. */
  readonly connectionsMax: number;
  /**
   * After a second failed dial in a row, calls fail at once for a while, so that a dead address is
   * not dialled for each of them: twice as long after each failure, from this ...
   */
  readonly reconnectPauseMs: number;
  /** ... to this, by chance between the half and the whole of it. */
  readonly reconnectPauseMsMax: number;
  /** What a channel's requests say of its connection: `https` under TLS. */
  readonly scheme: 'http' | 'https';
  /** HTTP/2 of both sides, over {@link http2Defaults}. */
  readonly http2: Partial<Http2Options>;
  /** Of connections between members, over all of the above. */
  readonly planes: Partial<Readonly<Record<Plane, PlaneOptions>>>;
}

export type NetworkOptions = Partial<NetworkSettings>;

export function networkSettings(options: NetworkOptions): NetworkSettings {
  return {
    isStream: isStreamMethod,
    requestBytesMax: (method) =>
      isPeerMethod(method) ? limits.peerMessageBytesMax : limits.requestBytesMax,
    answerBytesMax: limits.peerMessageBytesMax,
    compression: () => undefined,
    sendBufferBytes: mebibyte,
    connectTimeoutMs: 5_000,
    sniffTimeoutMs: limits.helloTimeoutMs,
    keepAliveIntervalMs: 5_000,
    keepAliveTimeoutMs: 5_000,
    // 16 of the largest requests, or 16,384 small ones, half read at one moment.
    requestBudgetBytes: 64 * mebibyte,
    // More than of requests, as an answer waits for the client and a request does not for us: 42
    // reads of a largest value.
    answerBudgetBytes: 128 * mebibyte,
    // Slow lines have 200 kbit/s; whoever is slower, or silent, holds memory for nothing.
    requestReadTimeoutMs: 10_000,
    // Longer, as the answers to one connection share its line.
    answerStallTimeoutMs: 30_000,
    // Each has its tables and a file descriptor; services open tens, not thousands.
    connectionsMax: 4_096,
    reconnectPauseMs: 20,
    // Not longer: a member that is back should not be taken for dead by who asks only now and then.
    reconnectPauseMsMax: 500,
    scheme: 'http',
    http2: {},
    planes: {},
    ...options,
  };
}

/** Calls that one channel may have open or waiting; more fail at once instead of queueing. */
export const openCallsMax = 16_384;

/** A server has less reason to ask: a client that is gone shows by what it does not take. */
const serverKeepAliveMs = 60_000;

/** `purpose`: what the client says that the connection is for. */
export function serverOptions(settings: NetworkSettings, purpose: number): Http2Options {
  const plane = planeOfPurpose(purpose);
  return {
    ...http2Defaults,
    keepAliveIntervalMs: serverKeepAliveMs,
    stallTimeoutMs: settings.answerStallTimeoutMs,
    settingsTimeoutMs: settings.sniffTimeoutMs,
    ...settings.http2,
    ...(plane === undefined ? undefined : settings.planes[plane]?.http2),
  };
}

export function clientOptions(settings: NetworkSettings, plane?: Plane): Http2Options {
  return {
    ...http2Defaults,
    keepAliveIntervalMs: settings.keepAliveIntervalMs,
    keepAliveTimeoutMs: settings.keepAliveTimeoutMs,
    ...settings.http2,
    ...(plane === undefined ? undefined : settings.planes[plane]?.http2),
    purpose: purposeOf(plane),
  };
}

/** Times are counted in an eighth of the shortest, so that none is missed by more than that. */
export function tickMs(settings: NetworkSettings): number {
  const shortest = Math.min(
    settings.keepAliveIntervalMs,
    settings.keepAliveTimeoutMs,
    settings.sniffTimeoutMs,
    settings.requestReadTimeoutMs,
    settings.answerStallTimeoutMs,
    ...Object.values(settings.planes).flatMap(({ http2 }) => [
      http2.keepAliveIntervalMs ?? settings.keepAliveIntervalMs,
      http2.keepAliveTimeoutMs ?? settings.keepAliveTimeoutMs,
      http2.answerSilenceMs || settings.keepAliveTimeoutMs,
    ]),
  );
  return Math.min(1_000, Math.max(1, shortest / 8));
}
