import type { Clock, Entry, Instant, LogIndex, Proposal, SessionStamp, Term } from '@d-engine/base';
import { assert, DEngineError, entryBytes, entryKinds, limits } from '@d-engine/base';
import type { Raft } from '@d-engine/raft';
import type { CommandResult } from '@d-engine/storage';
import type { WriteOutcome } from '@d-engine/wire';
import type { Deadlines, Waiting } from './deadlines.ts';
import type { StateQuota } from './state-quota.ts';

/** How a write ended: with what it did, or with an error that says whether it may have. */
export type WriteReply =
  | { readonly ok: true; readonly outcome: WriteOutcome }
  | { readonly ok: false; readonly error: DEngineError };

export type SettleWrite = (outcome: WriteReply) => void;

/** A write on its way: queued, then proposed at an index, then settled once. */
class PendingWrite implements Waiting {
  readonly command: Uint8Array;
  readonly session: SessionStamp | undefined;
  readonly deadlineAtMs: number;
  readonly settle: SettleWrite;
  readonly #proposals: Proposals;
  /** Undefined until Raft gave it a place in the log. */
  index: LogIndex | undefined;
  term: Term = 0;
  settled = false;
  /**
   * A proposal of an earlier leadership of this member at the same index. It may still win: only
   * what is applied at the index tells (Raft paper, figure 8).
   */
  older: PendingWrite | undefined;

  constructor(
    proposals: Proposals,
    write: { readonly command: Uint8Array; readonly session: SessionStamp | undefined },
    deadlineAtMs: number,
    settle: SettleWrite,
  ) {
    this.#proposals = proposals;
    this.command = write.command;
    this.session = write.session;
    this.deadlineAtMs = deadlineAtMs;
    this.settle = settle;
  }

  expire(): void {
    this.#proposals.expire(this);
  }
}

/**
 * The writes that this member was asked to propose. A write that reached the log is answered only
 * by what is applied at its index: with its result, or, when another term's entry stands there,
 * with the certainty that it never took effect. Losing leadership answers nothing by itself.
 */
export class Proposals {
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #pendingMax: number;
  readonly #quota: StateQuota;
  readonly #batchMax: number;
  #queued: PendingWrite[] = [];
  /** By log index. Invariant: each entry's `index` is its key. */
  readonly #proposed = new Map<LogIndex, PendingWrite>();
  /** Submitted and not yet settled. */
  #pendingCount = 0;

  constructor(options: {
    clock: Clock;
    deadlines: Deadlines;
    pendingMax: number;
    batchMax: number;
    quota: StateQuota;
  }) {
    this.#clock = options.clock;
    this.#deadlines = options.deadlines;
    this.#quota = options.quota;
    this.#pendingMax = options.pendingMax === 0 ? Number.POSITIVE_INFINITY : options.pendingMax;
    this.#batchMax = Math.min(options.batchMax, limits.turnProposalsMax);
  }

  get pendingCount(): number {
    return this.#pendingCount;
  }

  /** Queues one write for the next turn. `settle` is called exactly once, never from within. */
  submit(
    command: Uint8Array,
    deadlineMs: number,
    settle: SettleWrite,
    session?: SessionStamp,
  ): DEngineError | undefined {
    if (this.#pendingCount >= this.#pendingMax) {
      return new DEngineError(
        'RateLimited',
        `Too many pending write requests (${this.#pendingMax}): retry after a pause`,
        { retryAfterMs: 100 },
      );
    }
    const full = this.#quota.reserve(command);
    if (full !== undefined) return full;
    const deadlineAtMs = this.#clock.monotonicMs() + deadlineMs;
    const write = new PendingWrite(this, { command, session }, deadlineAtMs, settle);
    this.#pendingCount += 1;
    this.#queued.push(write);
    this.#deadlines.add(write);
    return undefined;
  }

  get hasQueued(): boolean {
    return this.#queued.length > 0;
  }

  /** Hands the next batch to Raft; what does not fit stays queued for the next turn. */
  propose(raft: Raft, at: Instant, refusal: (reason: string) => DEngineError): void {
    if (this.#queued.length === 0) return;
    const batch = this.#takeBatch();
    const proposals: Proposal[] = batch.map((write) => ({
      kind: entryKinds.command,
      payload: write.command,
      session: write.session,
    }));
    const result = raft.propose(proposals, at);
    if (!result.accepted) {
      const error = refusal(result.reason);
      for (const write of batch) this.#settle(write, { ok: false, error });
      return;
    }
    assert(
      result.lastIndex - result.firstIndex + 1 === batch.length,
      'Raft accepted another number of proposals',
    );
    let index = result.firstIndex;
    for (const write of batch) {
      write.index = index;
      write.term = result.term;
      write.older = this.#proposed.get(index);
      this.#proposed.set(index, write);
      index += 1;
    }
  }

  #takeBatch(): PendingWrite[] {
    let bytes = 0;
    let count = 0;
    for (const write of this.#queued) {
      const { command: payload, session } = write;
      bytes += entryBytes({ kind: entryKinds.command, payload, session });
      if (count > 0 && (count >= this.#batchMax || bytes > limits.turnProposalBytesMax)) break;
      count += 1;
    }
    if (count === this.#queued.length) {
      const all = this.#queued;
      this.#queued = [];
      return all;
    }
    return this.#queued.splice(0, count);
  }

  /** The entry is applied: answers the write that waits at its index, if it is that entry. */
  settleApplied(entry: Entry, result: CommandResult | undefined): void {
    let write = this.#proposed.get(entry.index);
    if (write === undefined) return;
    this.#proposed.delete(entry.index);
    for (; write !== undefined; write = write.older) {
      if (write.term !== entry.term) {
        this.#settle(write, { ok: false, error: overwritten() });
        continue;
      }
      assert(result !== undefined, () => `no result for the command at ${entry.index}`);
      this.#settle(write, replyOf(result));
    }
  }

  /** A snapshot took the place of all entries up to `index`: what they did is not known here. */
  settleSkipped(index: LogIndex): void {
    for (const [at, newest] of this.#proposed) {
      if (at > index) continue;
      this.#proposed.delete(at);
      for (let write: PendingWrite | undefined = newest; write; write = write.older) {
        const message =
          `the write was proposed at index ${at}, and a snapshot took the place of the log; its ` +
          'outcome is unknown: read before writing again';
        this.#settle(write, { ok: false, error: new DEngineError('ProposeFailed', message) });
      }
    }
  }

  /** The deadline is over. A proposed write stays in the chain of its index, settled. */
  expire(write: PendingWrite): void {
    if (write.index === undefined) {
      this.#queued = this.#queued.filter((other) => other !== write);
      const message = 'the write was not proposed in time and had no effect: retry';
      this.#settle(write, { ok: false, error: new DEngineError('ClusterUnavailable', message) });
      return;
    }
    const message =
      `the write was proposed at index ${write.index}, but no quorum confirmed it in time; its ` +
      'outcome is unknown: read before writing again';
    this.#settle(write, { ok: false, error: new DEngineError('ProposeFailed', message) });
  }

  /** Settles everything: queued writes were never proposed, proposed ones may still apply. */
  failAll(message: string): void {
    for (const write of this.#queued.splice(0)) {
      this.#settle(write, { ok: false, error: new DEngineError('Stopped', message) });
    }
    for (const newest of this.#proposed.values()) {
      for (let write: PendingWrite | undefined = newest; write; write = write.older) {
        const error = new DEngineError('ProposeFailed', `${message}; the outcome is unknown`);
        this.#settle(write, { ok: false, error });
      }
    }
    this.#proposed.clear();
  }

  #settle(write: PendingWrite, outcome: WriteReply): void {
    if (write.settled) return;
    write.settled = true;
    this.#pendingCount -= 1;
    this.#quota.release(write.command);
    this.#deadlines.remove(write);
    write.settle(outcome);
  }
}

function overwritten(): DEngineError {
  return new DEngineError(
    'LeaderChanged',
    'another leader took over before the write was committed; it had no effect: retry',
  );
}

function replyOf(result: CommandResult): WriteReply {
  const { revision } = result;
  switch (result.type) {
    case 'put':
    case 'closeSession':
      return { ok: true, outcome: { succeeded: true, revision } };
    case 'delete':
      return { ok: true, outcome: { succeeded: true, revision, deleted: result.deleted } };
    case 'compareAndSwap': {
      const { succeeded, current } = result;
      if (succeeded) return { ok: true, outcome: { succeeded, revision } };
      return { ok: true, outcome: { succeeded, revision, current } };
    }
    case 'transaction': {
      const { succeeded, responses } = result;
      return { ok: true, outcome: { succeeded, revision, responses } };
    }
    case 'grantLease': {
      const { lease, ttlMs } = result;
      return { ok: true, outcome: { succeeded: true, revision, id: lease, ttlMs } };
    }
    case 'openSession': {
      const { session, ttlMs } = result;
      return { ok: true, outcome: { succeeded: true, revision, id: session, ttlMs } };
    }
    case 'keepLeaseAlive':
    case 'keepSessionAlive':
      return { ok: true, outcome: { succeeded: true, revision, ttlMs: result.ttlMs } };
    case 'revokeLease': {
      const { deletedKeys } = result;
      return { ok: true, outcome: { succeeded: true, revision, deletedKeys } };
    }
    case 'refused':
      return { ok: false, error: new DEngineError(result.error, result.message) };
  }
}
