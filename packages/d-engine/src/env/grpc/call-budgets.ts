import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Failure } from '@d-engine/base';
import { requestRefusal } from '@d-engine/wire';
import { ByteBudget, type Holding } from './byte-budget.ts';
import { cutOff } from './cut-off.ts';
import type { NetworkSettings } from './network-options.ts';

/** What Node and the kernel keep for a call beside its bytes: a call of no bytes is not free. */
export const callOverheadBytes = 4_096;
/** ... and for each chunk, or a client that sends single bytes would hold a multiple. */
export const chunkOverheadBytes = 256;
/** A call has moved when this much of it has: single bytes do not keep it alive for ever. */
export const stepBytes: number = 256 * 1024;

/** What the calls of clients make a listener hold; peers are bounded by the windows of raft. */
export class CallBudgets {
  readonly #requests: ByteBudget;
  readonly #answers: ByteBudget;
  readonly #readLimitMs: number;

  constructor(settings: NetworkSettings) {
    this.#requests = new ByteBudget(settings.requestBudgetBytes, settings.requestReadTimeoutMs);
    this.#answers = new ByteBudget(settings.answerBudgetBytes, settings.answerStallTimeoutMs);
    this.#readLimitMs = settings.requestReadTimeoutMs;
  }

  get requestBytes(): number {
    return this.#requests.heldBytes;
  }

  get answerBytes(): number {
    return this.#answers.heldBytes;
  }

  stop(): void {
    this.#requests.stop();
    this.#answers.stop();
  }

  forConnection(socket: Socket): ConnectionBudgets {
    return {
      request: (refuse) =>
        this.#requests.open(socket, (why) => {
          refuse(why === 'over' ? requestRefusal : this.#lateRequest());
        }),
      answer: (stream) =>
        this.#answers.open(socket, (_, stuck) => {
          if (stuck) dropStuck(socket);
          else cutOff(stream, constants.NGHTTP2_ENHANCE_YOUR_CALM);
        }),
    };
  }

  #lateRequest(): Failure {
    const message = `the request stood still for ${this.#readLimitMs} ms: send it at once`;
    return { status: 'deadlineExceeded', message };
  }
}

/** The budgets as one connection sees them. */
export interface ConnectionBudgets {
  /** For a request that is being read; `refuse` ends it. */
  request(refuse: (failure: Failure) => void): Holding;
  /** For an answer that was not yet sent. */
  answer(stream: ServerHttp2Stream): Holding;
}

/**
 * A connection that takes nothing of all that it asked for may have its bytes in the socket
 * already, where resetting a stream does not free them; nor would its client hear of the reset.
 * In a turn of its own: the socket's session may be in the middle of an event.
 */
function dropStuck(socket: Socket): void {
  setImmediate(() => socket.destroy());
}
