import type { Clock, Compute, Failure, Schedule } from '@d-engine/base';
import type { RequestHeaders } from './request-headers.ts';
import type { SharedSignals } from './shared-signals.ts';

/** A call or a stream, as its channel keeps it. */
export interface OpenItem {
  fail(failure: Failure): void;
}

/** What all calls of a channel share. */
export interface ChannelContext {
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly compute: Compute;
  readonly headers: RequestHeaders;
  readonly signals: SharedSignals;
  readonly answerBytesMax: number;
  readonly sendBufferBytes: number;
  /** How long the peer may take to take up a stream; 0: as long as the connection stands. */
  readonly requestTimeoutMs: number;
  /** The peer took up a stream in time, or did not. */
  onRequestTaken(inTime: boolean): void;
  /** A call has its outcome, or a stream is closed. */
  onSettled(item: OpenItem): void;
}
