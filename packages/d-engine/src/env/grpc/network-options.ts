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
  /**
   * A connection with open calls that brought nothing for this long is asked for a sign of life.
   */
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

/**
 * What a client may have under way to a server, on one stream and on all of a connection: some
 * streams may stand still without stopping the others.
 */
const serverStreamWindowBytes = 8 * mebibyte;
export const serverConnectionWindowBytes: number = 32 * mebibyte;

/**
 * What a server may have under way to a client is small, because node:http2 stops reading a socket
 * while a write to it waits for the kernel. Were both windows large, both ends could wait so, each
 * for the other to read, for ever (seen on Node 22 and 24 with 20 calls of 3 MB at once). What fits
 * into HTTP/2's initial window, 64 KiB a connection, the kernel always takes.
 */
const clientStreamWindowBytes = 32 * kibibyte;

const commonSettings: Settings = {
  enablePush: false,
  // Above it the stack itself resets the stream; below it we answer with a status.
  maxHeaderListSize: 4 * limits.metadataBytesMax,
  maxConcurrentStreams: openCallsMax,
};

export const serverSettings: Settings = {
  ...commonSettings,
  initialWindowSize: serverStreamWindowBytes,
  maxFrameSize: 64 * kibibyte,
};

export const clientSettings: Settings = {
  ...commonSettings,
  initialWindowSize: clientStreamWindowBytes,
};
