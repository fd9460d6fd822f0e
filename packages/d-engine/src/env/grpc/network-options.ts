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
  /** Bytes of clients' unary requests that a listener holds while they are being read. */
  readonly requestBudgetBytes?: number;
  /** Bytes of answers to clients that a listener holds until they are sent. */
  readonly answerBudgetBytes?: number;
  /** A request of which the next 256 KiB, or the rest, do not come within this is refused. */
  readonly requestReadTimeoutMs?: number;
  /** An answer of which nobody takes the next 256 KiB, or the rest, within this is cut off. */
  readonly answerStallTimeoutMs?: number;
  /** Connections that a listener has open; more are closed at once. */
  readonly connectionsMax?: number;
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
    // 16 of the largest requests, or 16,384 small ones, half read at one moment.
    requestBudgetBytes: 64 * mebibyte,
    // More than of requests, as an answer waits for the client and a request does not for us: 42
    // reads of a largest value.
    answerBudgetBytes: 128 * mebibyte,
    // Slow lines have 200 kbit/s; whoever is slower, or silent, holds memory for nothing.
    requestReadTimeoutMs: 10_000,
    // Longer, as the answers to one connection share its line.
    answerStallTimeoutMs: 30_000,
    // Each has its session's memory and a file descriptor; services open tens, not thousands.
    connectionsMax: 4_096,
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
};

/**
 * Streams of one connection: each costs some kilobytes before it has sent a byte. More than 1,000
 * calls at a time wait in the client's own stack, whose memory they are.
 */
const serverStreamsMax = 1_024;

export const serverSettings: Settings = {
  ...commonSettings,
  maxConcurrentStreams: serverStreamsMax,
  initialWindowSize: serverStreamWindowBytes,
  maxFrameSize: 64 * kibibyte,
};

export const clientSettings: Settings = {
  ...commonSettings,
  initialWindowSize: clientStreamWindowBytes,
};
