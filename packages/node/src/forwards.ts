import type { Clock, NodeId, SessionStamp } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import type { ForwardWriteResult, PeerFrame } from '@d-engine/wire';
import { errorFromForward } from '@d-engine/wire';
import type { Deadlines, Waiting } from './deadlines.ts';
import type { SettleWrite } from './proposals.ts';

/** A client's command on its way to the leader, on its session if it has one. */
export interface RoutedWrite {
  readonly command: Uint8Array;
  readonly session?: SessionStamp | undefined;
}

/** A write that was handed to the leader and has no answer yet. */
class Forward implements Waiting {
  readonly id: number;
  readonly leader: NodeId;
  readonly deadlineAtMs: number;
  readonly settle: SettleWrite;
  readonly #forwards: Forwards;

  constructor(
    forwards: Forwards,
    fields: { id: number; leader: NodeId; deadlineAtMs: number; settle: SettleWrite },
  ) {
    this.#forwards = forwards;
    this.id = fields.id;
    this.leader = fields.leader;
    this.deadlineAtMs = fields.deadlineAtMs;
    this.settle = fields.settle;
  }

  expire(): void {
    this.#forwards.fail(this, 'the leader did not answer the forwarded write in time');
  }
}

/** Room for the answer to travel back before this member gives up on it. */
const answerMarginMs = 50;

/**
 * Writes that this member passed to the leader over the Data plane, one hop. Once a forward has
 * left, a lost answer is an unknown outcome.
 */
export class Forwards {
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #sendFrame: (to: NodeId, frame: PeerFrame) => boolean;
  readonly #waiting = new Map<number, Forward>();
  #nextId = 1;

  constructor(options: {
    clock: Clock;
    deadlines: Deadlines;
    /** False when there is no open stream to the member: nothing has left. */
    sendFrame: (to: NodeId, frame: PeerFrame) => boolean;
  }) {
    this.#clock = options.clock;
    this.#deadlines = options.deadlines;
    this.#sendFrame = options.sendFrame;
  }

  get pendingCount(): number {
    return this.#waiting.size;
  }

  /** False: nothing was sent and `settle` will not be called. */
  send(
    leader: NodeId,
    { command, session }: RoutedWrite,
    deadlineMs: number,
    settle: SettleWrite,
  ): boolean {
    const id = this.#nextId++;
    const leaderDeadlineMs = Math.max(1, Math.floor(deadlineMs - answerMarginMs));
    const frame: PeerFrame = {
      type: 'forwardWrite',
      forwardId: id,
      command,
      deadlineMs: leaderDeadlineMs,
      session,
    };
    if (!this.#sendFrame(leader, frame)) return false;
    const deadlineAtMs = this.#clock.monotonicMs() + deadlineMs;
    const forward = new Forward(this, { id, leader, deadlineAtMs, settle });
    this.#waiting.set(id, forward);
    this.#deadlines.add(forward);
    return true;
  }

  onAnswer(from: NodeId, forwardId: number, outcome: ForwardWriteResult['outcome']): void {
    const forward = this.#waiting.get(forwardId);
    if (forward === undefined || forward.leader !== from) return;
    this.#waiting.delete(forwardId);
    this.#deadlines.remove(forward);
    if (outcome.type === 'error') forward.settle({ ok: false, error: errorFromForward(outcome) });
    else forward.settle({ ok: true, outcome });
  }

  /** The stream to the member broke: what it had not answered has an unknown outcome. */
  onPeerLost(peer: NodeId): void {
    for (const forward of [...this.#waiting.values()]) {
      if (forward.leader === peer) this.fail(forward, 'the connection to the leader broke');
    }
  }

  failAll(message: string): void {
    for (const forward of [...this.#waiting.values()]) this.fail(forward, message);
  }

  fail(forward: Forward, reason: string): void {
    this.#waiting.delete(forward.id);
    this.#deadlines.remove(forward);
    const message = `${reason}; the write's outcome is unknown: read before writing again`;
    forward.settle({ ok: false, error: new DEngineError('ProposeFailed', message) });
  }
}
