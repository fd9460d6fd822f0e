import type {
  Clock,
  Consistency,
  Counter,
  Instant,
  KeyValue,
  LeaseId,
  LogIndex,
  Revision,
  Timer,
} from '@d-engine/base';
import { assert, DEngineError, limits } from '@d-engine/base';
import type { Raft, ReadOutcome } from '@d-engine/raft';
import type { ScanPage, ScanQuery } from '@d-engine/storage';
import { answerEntryOverheadBytes } from '@d-engine/storage';
import type { LeaseState } from '@d-engine/wire';
import type { Deadlines, Waiting } from './deadlines.ts';

/** What a read wants to know. */
export type ReadQuestion =
  | { readonly type: 'keys'; readonly keys: readonly Uint8Array[] }
  | { readonly type: 'scan'; readonly scan: ScanQuery }
  | { readonly type: 'lease'; readonly lease: LeaseId };

/** What it saw: all of one moment. */
export interface ReadView {
  /** In the order of the keys asked for, null for an absent one; of a scan, those it found. */
  readonly entries: readonly (KeyValue | null)[];
  readonly revision: Revision;
  /** Of a scan: keys of the range follow. */
  readonly hasMore?: boolean | undefined;
  /** The lease that was asked for; null when there is none. */
  readonly lease?: LeaseState | null | undefined;
}

export type ReadReply =
  | { readonly ok: true; readonly view: ReadView }
  | { readonly ok: false; readonly error: DEngineError };

/** What reads look at: the part of the state machine that answers them. */
export interface ReadableState {
  readonly appliedIndex: LogIndex;
  readonly revision: Revision;
  get(keys: readonly Uint8Array[]): (KeyValue | null)[];
  scan(query: ScanQuery): ScanPage;
  lease(id: LeaseId): LeaseState | null;
}

export interface ReadRequest {
  readonly question: ReadQuestion;
  readonly consistency: Consistency;
  /** 0: no bound. */
  readonly minRevision: Revision;
  readonly deadlineMs: number;
  readonly settle: (reply: ReadReply) => void;
}

/**
 * Of a read's time: hope ends before the deadline, because "nobody leads" says more than "late".
 */
const hopeShare = 0.9;

class PendingRead implements Waiting {
  readonly request: ReadRequest;
  readonly deadlineAtMs: number;
  readonly #reads: Reads;
  /** Until when a read that nobody can confirm hopes for a leader. */
  readonly hopeUntilMs: number;
  /** Answer once the state machine has applied this. Undefined while nobody confirmed an index. */
  index: LogIndex | undefined;
  settled = false;

  constructor(reads: Reads, request: ReadRequest, arrivedAtMs: number, leaderWaitMs: number) {
    this.#reads = reads;
    this.request = request;
    this.deadlineAtMs = arrivedAtMs + request.deadlineMs;
    this.hopeUntilMs = arrivedAtMs + Math.min(leaderWaitMs, request.deadlineMs * hopeShare);
  }

  expire(): void {
    this.#reads.expire(this);
  }
}

/** What reads count of themselves. */
export interface ReadMetrics {
  readonly leaseReads: Counter;
  readonly readConfirmations: Counter;
}

/** How often a read that found no leader asks again: a fraction of any election. */
const retryIntervalMs = 50;

/**
 * Reads of this member, from arrival to answer. All of one turn share one confirmation by a
 * quorum; a read whose lease or consistency allows it is answered in its turn.
 */
export class Reads {
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #state: ReadableState;
  readonly #pendingMax: number;
  readonly #leaderWaitMs: number;
  readonly #requestTurn: () => void;
  readonly #metrics: ReadMetrics;
  #arrived: PendingRead[] = [];
  /** Refused for want of a leader; asked again soon. */
  #parked: PendingRead[] = [];
  #retryTimer: Timer | undefined;
  /** Waiting for Raft's answer, by the id of the batch they were asked in. */
  readonly #asked = new Map<number, PendingRead[]>();
  /** Have an index or a revision to wait for. */
  readonly #waitingForApply = new Set<PendingRead>();
  #nextReadId: number;
  #pendingCount = 0;

  constructor(options: {
    clock: Clock;
    deadlines: Deadlines;
    state: ReadableState;
    pendingMax: number;
    /** How long a read waits for a leader before it is refused. */
    leaderWaitMs: number;
    /** Which start of the directory this is. */
    bootCount: number;
    requestTurn: () => void;
    metrics: ReadMetrics;
  }) {
    this.#metrics = options.metrics;
    this.#nextReadId = firstReadId(options.bootCount);
    this.#clock = options.clock;
    this.#deadlines = options.deadlines;
    this.#state = options.state;
    this.#leaderWaitMs = options.leaderWaitMs;
    this.#requestTurn = options.requestTurn;
    this.#pendingMax = options.pendingMax === 0 ? Number.POSITIVE_INFINITY : options.pendingMax;
  }

  get pendingCount(): number {
    return this.#pendingCount;
  }

  get hasArrived(): boolean {
    return this.#arrived.length > 0;
  }

  submit(request: ReadRequest): DEngineError | undefined {
    if (this.#pendingCount >= this.#pendingMax) {
      return new DEngineError(
        'RateLimited',
        `Too many pending read requests (${this.#pendingMax}): retry after a pause`,
        { retryAfterMs: 100 },
      );
    }
    const now = this.#clock.monotonicMs();
    const read = new PendingRead(this, request, now, this.#leaderWaitMs);
    this.#pendingCount += 1;
    this.#arrived.push(read);
    this.#deadlines.add(read);
    this.#requestTurn();
    return undefined;
  }

  /**
   * Starts all reads that arrived before this turn. `at` was sampled after the last of them was
   * decoded, and nothing is awaited between that sample and a lease read's answer (design rule 4).
   */
  start(raft: Raft, at: Instant): void {
    if (this.#arrived.length === 0) return;
    const arrived = this.#arrived;
    this.#arrived = [];
    const toConfirm: PendingRead[] = [];
    const leaseHolds = raft.role === 'leader' && raft.leaseValid(at);
    for (const read of arrived) {
      if (read.settled) continue;
      const consistency = read.request.consistency;
      if (consistency === 'eventual') this.#await(read, this.#state.appliedIndex);
      else if (consistency === 'lease' && leaseHolds) {
        this.#metrics.leaseReads.add();
        this.#await(read, raft.commitIndex);
      } else toConfirm.push(read);
    }
    if (toConfirm.length === 0) return;
    this.#metrics.readConfirmations.add();
    const readId = this.#nextReadId++;
    this.#asked.set(readId, toConfirm);
    raft.readIndex(readId, at);
  }

  /** Raft confirmed, or refused, a batch. */
  resolve(outcome: ReadOutcome, refusal: () => DEngineError): void {
    const batch = this.#asked.get(outcome.readId);
    if (batch === undefined) return;
    this.#asked.delete(outcome.readId);
    for (const read of batch) {
      if (read.settled) continue;
      if (outcome.type === 'ready') this.#await(read, outcome.index);
      else this.#park(read, refusal);
    }
  }

  /** No leader answered for the read: asks again until it is not worth hoping any more. */
  #park(read: PendingRead, refusal: () => DEngineError): void {
    if (this.#clock.monotonicMs() >= read.hopeUntilMs) {
      this.#settle(read, { ok: false, error: refusal() });
      return;
    }
    this.#parked.push(read);
    this.#retryTimer ??= this.#clock.setTimer(retryIntervalMs, () => {
      this.#retryTimer = undefined;
      this.#arrived = this.#arrived.concat(this.#parked);
      this.#parked = [];
      this.#requestTurn();
    });
  }

  /** More was applied: answers what waited for it. */
  onApplied(): void {
    for (const read of this.#waitingForApply) {
      if (this.#isDue(read)) this.#answer(read);
    }
  }

  /** The read stays in the list that it is in, settled: thousands may expire at once. */
  expire(read: PendingRead): void {
    const confirmed = read.index !== undefined;
    this.#settle(read, { ok: false, error: tooLate(read, confirmed, this.#state.revision) });
  }

  failAll(message: string): void {
    this.#retryTimer?.cancel();
    this.#retryTimer = undefined;
    const waiting = [...this.#arrived, ...this.#parked, ...this.#waitingForApply];
    const all = [...waiting, ...[...this.#asked.values()].flat()];
    this.#arrived = [];
    this.#parked = [];
    this.#asked.clear();
    for (const read of all) {
      this.#settle(read, { ok: false, error: new DEngineError('Stopped', message) });
    }
  }

  #await(read: PendingRead, index: LogIndex): void {
    read.index = index;
    if (this.#isDue(read)) this.#answer(read);
    else this.#waitingForApply.add(read);
  }

  #isDue(read: PendingRead): boolean {
    assert(read.index !== undefined, 'a read waits for an index that nobody confirmed');
    if (this.#state.appliedIndex < read.index) return false;
    return this.#state.revision >= read.request.minRevision;
  }

  #answer(read: PendingRead): void {
    const view = this.#look(read.request.question);
    const problem = answerProblem(view.entries);
    if (problem !== undefined) return this.#settle(read, { ok: false, error: problem });
    this.#settle(read, { ok: true, view });
  }

  #look(question: ReadQuestion): ReadView {
    const state = this.#state;
    const { revision } = state;
    switch (question.type) {
      case 'keys':
        return { entries: state.get(question.keys), revision };
      case 'scan':
        return { ...state.scan(question.scan), revision };
      case 'lease':
        return { entries: [], lease: state.lease(question.lease), revision };
    }
  }

  #settle(read: PendingRead, reply: ReadReply): void {
    if (read.settled) return;
    read.settled = true;
    this.#waitingForApply.delete(read);
    this.#deadlines.remove(read);
    this.#pendingCount -= 1;
    read.request.settle(reply);
  }
}

/** One short request may name a large value thousands of times. */
function answerProblem(entries: readonly (KeyValue | null)[]): DEngineError | undefined {
  let bytes = 0;
  for (const entry of entries) {
    if (entry !== null) bytes += entry.key.length + entry.value.length + answerEntryOverheadBytes;
  }
  const max = limits.readAnswerBytesMax;
  if (bytes <= max) return undefined;
  const message = `the answer would have ${bytes} bytes, over the limit of ${max}: read fewer keys`;
  return new DEngineError('RequestTooLarge', message);
}

/**
 * Raft names its questions to the leader after reads. An answer that the run before had asked for
 * comes to this run's stream: under a name that this run uses too, it would confirm a new read with
 * an index from before that read.
 */
function firstReadId(bootCount: number): number {
  return (bootCount % 2 ** 16) * 2 ** 36 + 1;
}

function tooLate(read: PendingRead, confirmed: boolean, revision: Revision): DEngineError {
  if (!confirmed) {
    return new DEngineError(
      'ClusterUnavailable',
      'no quorum confirmed the read in time: start the missing members, or read with ' +
        'consistency=eventual',
      { retryAfterMs: 500 },
    );
  }
  const wanted = read.request.minRevision;
  const what = wanted > 0 ? `revision ${wanted} (this member is at ${revision})` : 'the read index';
  return new DEngineError('DeadlineExceeded', `this member did not reach ${what} in time: retry`);
}
