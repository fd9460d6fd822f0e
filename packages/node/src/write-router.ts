import type { Clock, NodeId, SessionStamp } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import type { Deadlines, Waiting } from './deadlines.ts';
import type { Forwards, RoutedWrite } from './forwards.ts';
import type { NodeMetrics } from './node-metrics.ts';
import type { Proposals, SettleWrite, WriteReply } from './proposals.ts';

/** Where this member stands right now, as far as a write is concerned. */
export interface Leadership {
  /** This member leads and takes proposals. */
  readonly accepting: boolean;
  /** The leader, when it is another member. */
  readonly otherLeader: NodeId | undefined;
  /** Set when this member must not serve at all: stopping, stopped or refused. */
  readonly closed: DEngineError | undefined;
  notLeader(): DEngineError;
  noLeader(): DEngineError;
}

/** A write that any member takes, until it is answered. */
interface Traveller extends RoutedWrite {
  readonly requestDeadlineAtMs: number;
  readonly settle: SettleWrite;
}

/** Waits for a leader. Without a session it is provably not proposed anywhere. */
class ParkedWrite implements Waiting, Traveller {
  readonly command: Uint8Array;
  readonly session: SessionStamp | undefined;
  readonly deadlineAtMs: number;
  /** The time until which it may hope for a leader; before the deadline itself. */
  readonly requestDeadlineAtMs: number;
  readonly settle: SettleWrite;
  readonly #router: WriteRouter;

  constructor(router: WriteRouter, write: Traveller, deadlineAtMs: number) {
    this.#router = router;
    this.command = write.command;
    this.session = write.session;
    this.requestDeadlineAtMs = write.requestDeadlineAtMs;
    this.settle = write.settle;
    this.deadlineAtMs = deadlineAtMs;
  }

  expire(): void {
    this.#router.giveUp(this);
  }
}

/**
 * Takes a write to the leader: this member's own proposals, one hop over the Data plane, or, while
 * there is no leader, a short wait for one. Each step that fails says whether the write can have
 * been proposed; only then is it routed again (design rule 9).
 */
export class WriteRouter {
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #proposals: Proposals;
  readonly #forwards: Forwards;
  readonly #leadership: Leadership;
  readonly #leaderWaitMs: number;
  readonly #requestTurn: () => void;
  readonly #metrics: NodeMetrics;
  /** Of the parked writes, and again of the forwarded ones. */
  readonly #pendingMax: number;
  readonly #parked = new Set<ParkedWrite>();
  /** How often the way to the leader changed: tells whether an answer speaks of an older one. */
  #changes = 0;

  constructor(options: {
    clock: Clock;
    deadlines: Deadlines;
    proposals: Proposals;
    forwards: Forwards;
    leadership: Leadership;
    leaderWaitMs: number;
    pendingMax: number;
    requestTurn: () => void;
    metrics: NodeMetrics;
  }) {
    this.#clock = options.clock;
    this.#deadlines = options.deadlines;
    this.#proposals = options.proposals;
    this.#forwards = options.forwards;
    this.#leadership = options.leadership;
    this.#leaderWaitMs = options.leaderWaitMs;
    this.#pendingMax = options.pendingMax === 0 ? Number.POSITIVE_INFINITY : options.pendingMax;
    this.#requestTurn = options.requestTurn;
    this.#metrics = options.metrics;
  }

  /** For callers that follow hints themselves, and for forwarded writes: no second hop. */
  submitHere(write: RoutedWrite, deadlineMs: number, reply: SettleWrite): void {
    const settle = this.#metrics.countedWrite(reply);
    const closed = this.#leadership.closed;
    if (closed !== undefined) return settle({ ok: false, error: closed });
    if (!this.#leadership.accepting) {
      return settle({ ok: false, error: this.#leadership.notLeader() });
    }
    this.#propose(write, deadlineMs, settle);
  }

  /** For embedded and HTTP callers: any member will do. */
  submitAnywhere(write: RoutedWrite, deadlineMs: number, reply: SettleWrite): void {
    const settle = this.#metrics.countedWrite(reply);
    const requestDeadlineAtMs = this.#clock.monotonicMs() + deadlineMs;
    this.#route({ ...write, requestDeadlineAtMs, settle });
  }

  /** The leader or the way to it changed: parked writes try again. */
  onLeadershipChange(): void {
    this.#changes += 1;
    this.#routeParked();
  }

  /** This leader takes proposals again, without any change of leadership. */
  onRoom(): void {
    if (this.#parked.size > 0 && this.#leadership.accepting) this.#routeParked();
  }

  #routeParked(): void {
    if (this.#parked.size === 0) return;
    const parked = [...this.#parked];
    this.#parked.clear();
    for (const write of parked) {
      this.#deadlines.remove(write);
      this.#route(write);
    }
  }

  giveUp(write: ParkedWrite): void {
    this.#parked.delete(write);
    write.settle({ ok: false, error: this.#leadership.noLeader() });
  }

  failAll(message: string): void {
    for (const write of this.#parked) {
      this.#deadlines.remove(write);
      write.settle({ ok: false, error: new DEngineError('Stopped', message) });
    }
    this.#parked.clear();
  }

  #route(write: Traveller): void {
    const leadership = this.#leadership;
    if (leadership.closed !== undefined) {
      return write.settle({ ok: false, error: leadership.closed });
    }
    const deadlineMs = write.requestDeadlineAtMs - this.#clock.monotonicMs();
    if (deadlineMs <= 0) return write.settle({ ok: false, error: leadership.noLeader() });
    const changes = this.#changes;
    const retry: SettleWrite = (outcome) => {
      if (leadership.closed !== undefined || !isWorthAnotherWay(outcome, write)) {
        return write.settle(outcome);
      }
      const next = doubtful(write, outcome);
      // The answer is older than what is known by now: nothing else would wake the write up.
      if (this.#changes !== changes) this.#route(next);
      else this.#park(next);
    };
    if (leadership.accepting) return this.#propose(write, deadlineMs, retry);
    const leader = leadership.otherLeader;
    if (leader === undefined) return this.#park(write);
    if (this.#forwards.pendingCount >= this.#pendingMax) {
      return write.settle({ ok: false, error: tooMany(this.#pendingMax) });
    }
    if (this.#forwards.send(leader, write, deadlineMs, retry)) this.#metrics.forwards.add();
    else this.#park(write);
  }

  #park(write: Traveller): void {
    if (this.#parked.size >= this.#pendingMax) {
      return write.settle({ ok: false, error: this.#leadership.noLeader() });
    }
    const hopeUntilMs = this.#clock.monotonicMs() + this.#leaderWaitMs;
    const parked = new ParkedWrite(this, write, Math.min(write.requestDeadlineAtMs, hopeUntilMs));
    this.#parked.add(parked);
    this.#deadlines.add(parked);
  }

  #propose({ command, session }: RoutedWrite, deadlineMs: number, settle: SettleWrite): void {
    const refused = this.#proposals.submit(command, deadlineMs, settle, session);
    if (refused !== undefined) return settle({ ok: false, error: refused });
    this.#requestTurn();
  }
}

/**
 * A write in doubt that rides on a session goes another way too: it is applied once. Whatever it
 * meets there that says "never" speaks of that attempt alone, and the first doubt remains.
 */
function doubtful(write: Traveller, outcome: WriteReply): Traveller {
  if (outcome.ok || !outcome.error.mayHaveBeenApplied) return write;
  const settle: SettleWrite = (last) => {
    const isNever = !last.ok && !last.error.mayHaveBeenApplied;
    write.settle(isNever ? outcome : last);
  };
  const { command, session, requestDeadlineAtMs } = write;
  return { command, session, requestDeadlineAtMs, settle };
}

/**
 * Refused before it was proposed, or certain to have had no effect, because another member leads,
 * or none: worth another way. So is what is in doubt, on a session (design rule 8).
 */
function isWorthAnotherWay(outcome: WriteReply, write: RoutedWrite): boolean {
  if (outcome.ok) return false;
  if (outcome.error.mayHaveBeenApplied) {
    return write.session !== undefined && outcome.error.name === 'ProposeFailed';
  }
  switch (outcome.error.name) {
    case 'NotLeader':
    case 'LeaderChanged':
    case 'ClusterUnavailable':
    // The leader is stopping, and another one will be found.
    case 'Stopped':
      return true;
    default:
      return false;
  }
}

function tooMany(pendingMax: number): DEngineError {
  const message = `Too many forwarded write requests (${pendingMax}): retry after a pause`;
  return new DEngineError('RateLimited', message, { retryAfterMs: 100 });
}
