import type { Clock, NodeId } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import type { Deadlines, Waiting } from './deadlines.ts';
import type { Forwards } from './forwards.ts';
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
  readonly #parkedMax: number;
  readonly #parked = new Set<ParkedWrite>();

  constructor(options: {
    clock: Clock;
    deadlines: Deadlines;
    proposals: Proposals;
    forwards: Forwards;
    leadership: Leadership;
    leaderWaitMs: number;
    parkedMax: number;
    requestTurn: () => void;
  }) {
    this.#clock = options.clock;
    this.#deadlines = options.deadlines;
    this.#proposals = options.proposals;
    this.#forwards = options.forwards;
    this.#leadership = options.leadership;
    this.#leaderWaitMs = options.leaderWaitMs;
    this.#parkedMax = options.parkedMax === 0 ? Number.POSITIVE_INFINITY : options.parkedMax;
    this.#requestTurn = options.requestTurn;
  }

  /** For callers that follow hints themselves, and for forwarded writes: no second hop. */
  submitHere(command: Uint8Array, deadlineMs: number, settle: SettleWrite): void {
    const closed = this.#leadership.closed;
    if (closed !== undefined) return settle({ ok: false, error: closed });
    if (!this.#leadership.accepting) {
      return settle({ ok: false, error: this.#leadership.notLeader() });
    }
    this.#propose(command, deadlineMs, settle);
  }

  /** For embedded and HTTP callers: any member will do. */
  submitAnywhere(command: Uint8Array, deadlineMs: number, settle: SettleWrite): void {
    const requestDeadlineAtMs = this.#clock.monotonicMs() + deadlineMs;
    this.#route({ command, requestDeadlineAtMs, settle });
  }

  /** The leader or the way to it changed: parked writes try again. */
  onLeadershipChange(): void {
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

  #route(write: {
    command: Uint8Array;
    requestDeadlineAtMs: number;
    settle: SettleWrite;
  }): void {
    const leadership = this.#leadership;
    if (leadership.closed !== undefined) {
      return write.settle({ ok: false, error: leadership.closed });
    }
    const deadlineMs = write.requestDeadlineAtMs - this.#clock.monotonicMs();
    if (deadlineMs <= 0) return write.settle({ ok: false, error: leadership.noLeader() });
    const retry: SettleWrite = (outcome) => {
      if (isNotLeader(outcome)) this.#park(write);
      else write.settle(outcome);
    };
    if (leadership.accepting) return this.#propose(write.command, deadlineMs, retry);
    const leader = leadership.otherLeader;
    if (leader === undefined) return this.#park(write);
    if (!this.#forwards.send(leader, write.command, deadlineMs, retry)) this.#park(write);
  }

  #park(write: { command: Uint8Array; requestDeadlineAtMs: number; settle: SettleWrite }): void {
    if (this.#parked.size >= this.#parkedMax) {
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

/** Refused before it was proposed, because another member leads, or none: worth another way. */
function isNotLeader(outcome: WriteReply): boolean {
  if (outcome.ok) return false;
  return outcome.error.name === 'NotLeader' || outcome.error.name === 'LeaderChanged';
}
