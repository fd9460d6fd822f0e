import type { Clock, NodeId } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import type { Deadlines, Waiting } from './deadlines.ts';
import type { Forwards } from './forwards.ts';
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

/** Waits for a leader: queued here, provably not proposed anywhere. */
class ParkedWrite implements Waiting {
  readonly command: Uint8Array;
  readonly deadlineAtMs: number;
  /** The time until which it may hope for a leader; before the deadline itself. */
  readonly requestDeadlineAtMs: number;
  readonly settle: SettleWrite;
  readonly #router: WriteRouter;

  constructor(
    router: WriteRouter,
    write: { command: Uint8Array; requestDeadlineAtMs: number; settle: SettleWrite },
    deadlineAtMs: number,
  ) {
    this.#router = router;
    this.command = write.command;
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
  submitHere(command: Uint8Array, deadlineMs: number, reply: SettleWrite): void {
    const settle = this.#metrics.countedWrite(reply);
    const closed = this.#leadership.closed;
    if (closed !== undefined) return settle({ ok: false, error: closed });
    if (!this.#leadership.accepting) {
      return settle({ ok: false, error: this.#leadership.notLeader() });
    }
    this.#propose(command, deadlineMs, settle);
  }

  /** For embedded and HTTP callers: any member will do. */
  submitAnywhere(command: Uint8Array, deadlineMs: number, reply: SettleWrite): void {
    const settle = this.#metrics.countedWrite(reply);
    const requestDeadlineAtMs = this.#clock.monotonicMs() + deadlineMs;
    this.#route({ command, requestDeadlineAtMs, settle });
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

  #route(write: { command: Uint8Array; requestDeadlineAtMs: number; settle: SettleWrite }): void {
    const leadership = this.#leadership;
    if (leadership.closed !== undefined) {
      return write.settle({ ok: false, error: leadership.closed });
    }
    const deadlineMs = write.requestDeadlineAtMs - this.#clock.monotonicMs();
    if (deadlineMs <= 0) return write.settle({ ok: false, error: leadership.noLeader() });
    const changes = this.#changes;
    const retry: SettleWrite = (outcome) => {
      if (leadership.closed !== undefined || !isWorthAnotherWay(outcome)) write.settle(outcome);
      // The answer is older than what is known by now: nothing else would wake the write up.
      else if (this.#changes !== changes) this.#route(write);
      else this.#park(write);
    };
    if (leadership.accepting) return this.#propose(write.command, deadlineMs, retry);
    const leader = leadership.otherLeader;
    if (leader === undefined) return this.#park(write);
    if (this.#forwards.pendingCount >= this.#pendingMax) {
      return write.settle({ ok: false, error: tooMany(this.#pendingMax) });
    }
    if (this.#forwards.send(leader, write.command, deadlineMs, retry)) this.#metrics.forwards.add();
    else this.#park(write);
  }

  #park(write: { command: Uint8Array; requestDeadlineAtMs: number; settle: SettleWrite }): void {
    if (this.#parked.size >= this.#pendingMax) {
      return write.settle({ ok: false, error: this.#leadership.noLeader() });
    }
    const hopeUntilMs = this.#clock.monotonicMs() + this.#leaderWaitMs;
    const parked = new ParkedWrite(this, write, Math.min(write.requestDeadlineAtMs, hopeUntilMs));
    this.#parked.add(parked);
    this.#deadlines.add(parked);
  }

  #propose(command: Uint8Array, deadlineMs: number, settle: SettleWrite): void {
    const refused = this.#proposals.submit(command, deadlineMs, settle);
    if (refused !== undefined) return settle({ ok: false, error: refused });
    this.#requestTurn();
  }
}

/**
 * Refused before it was proposed, or certain to have had no effect, because another member leads,
 * or none: worth another way.
 */
function isWorthAnotherWay(outcome: WriteReply): boolean {
  if (outcome.ok || outcome.error.mayHaveBeenApplied) return false;
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
