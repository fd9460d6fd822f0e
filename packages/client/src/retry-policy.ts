import type { Random } from '@d-engine/base';
import type { Operation } from '@d-engine/wire';
import type { AttemptFailure } from './attempt-failure.ts';

/**
 * What follows on a failed attempt. `follow`: the leader is another one, go to it, or wait when
 * nobody knows it. `elsewhere`: try another endpoint at once. `wait`: the cluster needs a moment.
 */
export type Verdict = 'fail' | 'follow' | 'elsewhere' | 'wait';

/** Retries only what is safe to repeat (design rule 9) and may end otherwise the next time. */
export function judge(
  operation: Operation,
  failure: AttemptFailure,
  isRepeatable: boolean = operation === 'read',
): Verdict {
  if (!isRepeatable && !failure.refused) return 'fail';
  if (failure.source !== 'server') return 'elsewhere';
  switch (failure.error.name) {
    case 'NotLeader':
    case 'LeaderChanged':
    case 'TermOutdated':
    case 'StaleOperation':
      return 'follow';
    case 'ClusterUnavailable':
    case 'RetryRequired':
    case 'RateLimited':
      return 'wait';
    // This member cannot, another one can.
    case 'Stopped':
    case 'MemberRefused':
    case 'StateDiverged':
    case 'WrongCluster':
      return 'elsewhere';
    // A read changes nothing, and a write on a session is applied once, whatever became of it.
    case 'ConnectionTimeout':
    case 'DeadlineExceeded':
    case 'ProposeFailed':
      return isRepeatable ? 'elsewhere' : 'fail';
    default:
      return 'fail';
  }
}

/** Elections take a second or two; the first look comes long before, the later ones seldom. */
const firstPauseMs = 20;
const longestPauseMs = 500;

/** Pauses that grow, with jitter: many clients that lost one leader must not come back as one. */
export class Backoff {
  readonly #random: Random;
  #nextMs = firstPauseMs;

  constructor(random: Random) {
    this.#random = random;
  }

  /** At least `atLeastMs`, when a node asked for that. */
  next(atLeastMs: number | undefined): number {
    const plannedMs = Math.max(this.#nextMs * (0.5 + this.#random.float() / 2), 1);
    this.#nextMs = Math.min(this.#nextMs * 2, longestPauseMs);
    if (atLeastMs === undefined || atLeastMs <= plannedMs) return plannedMs;
    return atLeastMs * (1 + this.#random.float() / 4);
  }
}
