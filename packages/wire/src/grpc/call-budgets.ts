import type { Failure } from '@d-engine/base';
import { errorRegistry } from '@d-engine/base';
import type { Ticker } from '../http2/ticker.ts';
import { errorMetadataKey } from '../leader-metadata.ts';
import { ByteBudget } from './byte-budget.ts';
import type { NetworkSettings } from './network-options.ts';

/** What is kept for a call beside its bytes: a call of no bytes is not free. */
export const callOverheadBytes = 4_096;

const tooMuch = 'the server holds too many unfinished requests: retry after a pause';

/** The call never reached the service, so that its client may send it again. */
export const requestRefusal: Failure = {
  status: 'resourceExhausted',
  message: tooMuch,
  metadata: { [errorMetadataKey]: String(errorRegistry.RateLimited.code) },
};

/** Without the error's code: the service has done what was asked, if it was a write. */
export const answerRefusal: Failure = { status: 'resourceExhausted', message: tooMuch };

/** For a call whose caller does not wait any longer. */
export function lateFailure(deadlineMs: number | undefined): Failure {
  return { status: 'deadlineExceeded', message: `not over within ${deadlineMs} ms` };
}

/** What the calls of clients make a listener hold; peers are bounded by the windows of raft. */
export class CallBudgets {
  readonly requests: ByteBudget;
  readonly answers: ByteBudget;
  /** Of a request that stood still for too long. */
  readonly lateRequest: Failure;

  constructor(settings: NetworkSettings, ticker: Ticker) {
    const { requestReadTimeoutMs } = settings;
    this.requests = new ByteBudget(settings.requestBudgetBytes, requestReadTimeoutMs, ticker);
    // That they stand still is watched by the connection, for streams as well.
    this.answers = new ByteBudget(settings.answerBudgetBytes, Number.MAX_SAFE_INTEGER, ticker);
    this.lateRequest = {
      status: 'deadlineExceeded',
      message: `the request stood still for ${requestReadTimeoutMs} ms: send it at once`,
    };
  }
}
