import type { Clock, Compute } from '@d-engine/base';
import type { ClientCall } from './client-call.ts';
import type { ClientStream } from './client-stream.ts';
import type { RequestHeaders } from './request-headers.ts';
import type { SharedSignals } from './shared-signals.ts';

/** What all calls of a channel share. */
export interface ChannelContext {
  readonly clock: Clock;
  readonly compute: Compute;
  readonly headers: RequestHeaders;
  readonly signals: SharedSignals;
  readonly answerBytesMax: number;
  readonly sendBufferBytes: number;
  /** A call has its outcome, or a stream is closed. */
  onSettled(item: ClientCall | ClientStream): void;
}
