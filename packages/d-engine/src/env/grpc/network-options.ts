import type { Settings } from 'node:http2';
import { limits } from '@d-engine/base';
import { isPeerMethod, isStreamMethod } from '@d-engine/wire';

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

/** What a network of this kind may be told; tests make the limits small. */
export interface NetworkOptions {
  /** The wire does not say whether a method is a stream. Default: what `wire` knows. */
  readonly isStream?: (method: string) => boolean;
  /** The largest request message of a method. */
  readonly requestBytesMax?: (method: string) => number;
  /** The largest message that a channel takes for an answer. */
  readonly answerBytesMax?: number;
  /** Bytes that a stream queues before `send` says that the receiver is behind. */
  readonly sendBufferBytes?: number;
  /** For a channel that was not given one of its own. */
  readonly connectTimeoutMs?: number;
  /** How long a new connection may take to show which protocol it speaks. */
  readonly sniffTimeoutMs?: number;
  /** A connection with open calls that brought nothing for this long is asked for a sign of life. */
  readonly keepAliveIntervalMs?: number;
  /** ... and given up when none comes within this. */
  readonly keepAliveTimeoutMs?: number;
}

export type NetworkSettings = Required<NetworkOptions>;

export function networkSettings(options: NetworkOptions): NetworkSettings {
  return {
    isStream: isStreamMethod,
    requestBytesMax: (method) =>
      isPeerMethod(method) ? limits.peerMessageBytesMax : limits.requestBytesMax,
    answerBytesMax: limits.peerMessageBytesMax,
    sendBufferBytes: mebibyte,
    connectTimeoutMs: 5_000,
    sniffTimeoutMs: limits.helloTimeoutMs,
    keepAliveIntervalMs: 5_000,
    keepAliveTimeoutMs: 5_000,
    ...options,
  };
}

/** Calls that one channel may have open or waiting; more fail at once instead of queueing. */
export const openCallsMax = 16_384;

/** What a sender may have under way: one largest message, so that none waits for half of itself. */
export const streamWindowBytes: number = 8 * mebibyte;
/** Of a whole connection: some streams may stand still without stopping the others. */
export const connectionWindowBytes: number = 32 * mebibyte;

/** Settings that both ends announce. */
export const http2Settings: Settings = {
  enablePush: false,
  initialWindowSize: streamWindowBytes,
  // Above it the stack itself resets the stream; below it we answer with a status.
  maxHeaderListSize: 4 * limits.metadataBytesMax,
  maxFrameSize: 64 * kibibyte,
  maxConcurrentStreams: openCallsMax,
};
