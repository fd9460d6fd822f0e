import type { Compute, Service } from '@d-engine/base';
import type { CallBudgets } from './call-budgets.ts';
import type { CallDeadlines } from './call-deadlines.ts';

/** What all calls of a listener share. */
export interface ServerContext {
  readonly service: Service;
  readonly compute: Compute;
  readonly budgets: CallBudgets;
  readonly deadlines: CallDeadlines;
  readonly sendBufferBytes: number;
  /** Ticks that the reason of a reset has to get through before the stream is cut off. */
  readonly resetGraceTicks: number;
}
