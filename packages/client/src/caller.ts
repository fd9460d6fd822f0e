import {
  type Clock,
  type Counter,
  DEngineError,
  type ErrorName,
  type Metrics,
  type Random,
  type RequestOptions,
} from '@d-engine/base';
import type { Operation } from '@d-engine/wire';
import type { Outcome } from './answers.ts';
import { type AttemptFailure, failureOfCall } from './attempt-failure.ts';
import type { ClusterCheck } from './cluster-check.ts';
import { hintedAddress } from './endpoint-address.ts';
import type { Endpoint, EndpointPool, Target } from './endpoint-pool.ts';
import { type Closing, OperationScope } from './operation-scope.ts';
import { Backoff, judge } from './retry-policy.ts';
import { Trail } from './trail.ts';

/** One operation of the store, as a call. */
export interface Call<T> {
  /** For messages: `put`. */
  readonly name: string;
  readonly operation: Operation;
  /** A write on a session, which is applied once however often it is sent. */
  readonly isRepeatable?: boolean | undefined;
  readonly target: Target;
  readonly method: string;
  readonly request: Uint8Array;
  decode(message: Uint8Array, endpoint: Endpoint): Outcome<T>;
}

export interface CallerOptions {
  readonly pool: EndpointPool;
  readonly check: ClusterCheck;
  readonly clock: Clock;
  readonly random: Random;
  readonly closing: Closing;
  readonly metrics: Metrics;
  readonly deadlineMs: number;
}

/** A read that hangs at one member is tried at another after this share of its time. */
const readShare = 1 / 3;

/** A member that answered one of these is asked after all others for a while. */
const unusable: ReadonlySet<ErrorName> = new Set<ErrorName>([
  'MemberRefused',
  'StateDiverged',
  'Stopped',
  'WrongCluster',
]);
const unusableMs = 1_000;
const unreachableMsMax = 2_000;
const lostMs = 50;

/** Who answers one of these may no longer lead. */
const doubtful: ReadonlySet<ErrorName> = new Set<ErrorName>([
  'ClusterUnavailable',
  'LeaderChanged',
  'NotLeader',
  'ProposeFailed',
  'RetryRequired',
  'StaleOperation',
  'TermOutdated',
]);

/** Carries operations to the member that can serve them, as often as that is safe. */
export class Caller {
  readonly #options: CallerOptions;
  readonly #attempts: Counter;
  readonly #redirects: Counter;
  readonly #retries: Counter;

  constructor(options: CallerOptions) {
    this.#options = options;
    const { metrics } = options;
    this.#attempts = metrics.counter('d_engine_client_attempts_total', 'Calls sent to members.');
    this.#redirects = metrics.counter(
      'd_engine_client_redirects_total',
      'Attempts that followed the hint of a member to the leader.',
    );
    this.#retries = metrics.counter(
      'd_engine_client_retries_total',
      'Attempts after one that failed, redirects not counted.',
    );
  }

  async run<T>(call: Call<T>, options: RequestOptions = {}): Promise<T> {
    const { clock, closing, pool, random } = this.#options;
    const deadlineMs = checkedDeadline(options.deadlineMs ?? this.#options.deadlineMs);
    const scope = new OperationScope(clock, closing, deadlineMs, options);
    const trail = new Trail(call.name, call.operation, scope);
    const backoff = new Backoff(random);
    // Asked since the last pause: nobody is asked twice without one.
    const tried = new Set<Endpoint>();
    const pause = async (atLeastMs?: number): Promise<void> => {
      const pauseMs = backoff.next(atLeastMs);
      if (pauseMs >= scope.remainingMs) throw trail.expired();
      await scope.wait(pauseMs);
      tried.clear();
    };
    for (;;) {
      const { interruption } = scope;
      if (interruption !== undefined) throw trail.interrupted(interruption);
      if (scope.remainingMs < 1) throw trail.expired();
      const endpoint = pool.choose(call.target, tried);
      if (endpoint === undefined) {
        const hopeless = trail.hopeless();
        if (hopeless !== undefined) throw hopeless;
        await pause();
        continue;
      }
      tried.add(endpoint);
      const startedMs = clock.monotonicMs();
      const outcome = await this.#attempt(call, endpoint, scope);
      if (outcome === undefined) continue;
      if (outcome.ok) return outcome.value;
      const { failure } = outcome;
      trail.add(endpoint.address, failure);
      const leader = this.#learn(endpoint, failure, clock.monotonicMs() - startedMs);
      const verdict = judge(call.operation, failure, isRepeatable(call));
      if (verdict === 'fail') throw trail.failed(endpoint.address, failure);
      if (verdict === 'follow' && leader !== undefined && pool.isFresh(leader, tried)) {
        this.#redirects.add();
        continue;
      }
      if (verdict !== 'elsewhere') await pause(failure.error.retryAfterMs);
      this.#retries.add();
    }
  }

  /** Undefined: the operation has ended before anything was sent. */
  async #attempt<T>(
    call: Call<T>,
    endpoint: Endpoint,
    scope: OperationScope,
  ): Promise<Outcome<T> | undefined> {
    if (endpoint.verifiedConnection !== endpoint.channel.connectionNumber) {
      const failure = await this.#options.check.verify(endpoint, scope);
      if (failure !== undefined) return { ok: false, failure };
    }
    const deadlineMs = this.#attemptMs(call, scope);
    if (deadlineMs < 1 || scope.interruption !== undefined) return undefined;
    this.#attempts.add();
    try {
      const { signal } = scope;
      const options = signal === undefined ? { deadlineMs } : { deadlineMs, signal };
      const answer = await endpoint.channel.call(call.method, call.request, options);
      const outcome = call.decode(answer.message, endpoint);
      if (outcome.ok && call.operation === 'write') this.#options.pool.confirm(endpoint);
      return outcome;
    } catch (thrown) {
      return { ok: false, failure: failureOfCall(thrown, call.operation) };
    }
  }

  /** A write without a session waits as long as it may: once sent, it cannot be tried elsewhere. */
  #attemptMs<T>(call: Call<T>, scope: OperationScope): number {
    const remainingMs = Math.floor(scope.remainingMs);
    if (!isRepeatable(call) || this.#options.pool.size === 1) return remainingMs;
    return Math.min(remainingMs, Math.max(Math.floor(scope.deadlineMs * readShare), 1));
  }

  /** Remembers what a failure says of the member. Returns the leader that it names. */
  #learn(endpoint: Endpoint, failure: AttemptFailure, tookMs: number): Endpoint | undefined {
    const { pool } = this.#options;
    const { error, source } = failure;
    if (source === 'unreachable') {
      // What failed in no time costs little to try again; what hung does not get to do so soon.
      pool.avoid(endpoint, Math.min(Math.max(2 * tookMs, lostMs), unreachableMsMax));
    } else if (source === 'lost') {
      pool.avoid(endpoint, lostMs);
    } else if (unusable.has(error.name)) {
      pool.avoid(endpoint, unusableMs);
    } else if (source === 'silent' || doubtful.has(error.name)) {
      pool.doubt(endpoint);
    }
    if (error.leader === undefined) return undefined;
    const address = hintedAddress(error.leader.address, endpoint.address);
    return address === undefined ? undefined : pool.believe(address);
  }
}

function isRepeatable<T>(call: Call<T>): boolean {
  return call.operation === 'read' || call.isRepeatable === true;
}

function checkedDeadline(deadlineMs: number): number {
  if (deadlineMs >= 1 && Number.isFinite(deadlineMs)) return deadlineMs;
  throw new DEngineError('InvalidRequest', `deadlineMs must be 1 or more, not ${deadlineMs}`);
}
