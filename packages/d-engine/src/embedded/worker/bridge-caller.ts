import { DEngineError } from '@d-engine/base';
import type { Answer, BridgePort, BridgeTarget, ToEngine } from './bridge-messages.ts';
import { ownBytes } from './own-bytes.ts';
import { packError, unpackError } from './sent-error.ts';

interface Pending {
  readonly resolve: (answer: IteratorResult<unknown, undefined>) => void;
  readonly reject: (error: Error) => void;
}

/** What was asked, before it has a number. */
interface Question {
  readonly target: BridgeTarget;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** The host's end: calls methods of objects that live on the engine's thread. */
export class BridgeCaller {
  readonly #port: BridgePort<ToEngine>;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #closed: Error | undefined;

  constructor(port: BridgePort<ToEngine>) {
    this.#port = port;
  }

  async call(question: Question): Promise<unknown> {
    const signal = signalOf(question.args);
    signal?.throwIfAborted();
    const id = this.#nextId();
    const answered = this.#ask(id, { type: 'call', id, ...sendable(question) });
    const release = this.#passAbort(id, signal);
    try {
      const { value } = await answered;
      return value;
    } finally {
      release();
    }
  }

  /** Begins at the first `next`; leaving the loop ends it on the other side too. */
  async *iterate(question: Question): AsyncGenerator<unknown, void, undefined> {
    const signal = signalOf(question.args);
    signal?.throwIfAborted();
    const id = this.#nextId();
    let isOpen = true;
    let answered = this.#ask(id, { type: 'iterate', id, ...sendable(question) });
    const release = this.#passAbort(id, signal);
    try {
      for (;;) {
        const { done, value } = await answered;
        isOpen = done !== true;
        if (!isOpen) return;
        yield value;
        answered = this.#ask(id, { type: 'next', id });
      }
    } catch (error) {
      isOpen = false;
      throw error;
    } finally {
      release();
      if (isOpen && this.#closed === undefined)
        this.#port.postMessage({ type: 'endIteration', id });
    }
  }

  onAnswer(answer: Answer): void {
    const pending = this.#pending.get(answer.id);
    if (pending === undefined) return;
    this.#pending.delete(answer.id);
    switch (answer.type) {
      case 'result':
      case 'item':
        return pending.resolve({ done: false, value: answer.value });
      case 'end':
        return pending.resolve({ done: true, value: undefined });
      case 'failure':
        return pending.reject(unpackError(answer.error));
    }
  }

  /** The other side is gone: nothing is answered any more. */
  close(reason: Error | undefined): void {
    const later = 'the engine has stopped';
    this.#closed = new DEngineError('Stopped', later, { cause: reason });
    const message = 'the thread of the engine ended before it answered; the outcome is unknown';
    for (const { reject } of this.#pending.values()) {
      reject(new DEngineError('ProposeFailed', message, { cause: reason }));
    }
    this.#pending.clear();
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  #ask(id: number, message: ToEngine): Promise<IteratorResult<unknown, undefined>> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      // Throws for an argument that cannot travel, a function for instance: that rejects.
      this.#port.postMessage(message);
      this.#pending.set(id, { resolve, reject });
    });
  }

  /** Returns how to let go of the signal, which may outlive many calls. */
  #passAbort(id: number, signal: AbortSignal | undefined): () => void {
    if (signal === undefined) return () => undefined;
    const onAbort = (): void => {
      if (this.#closed !== undefined) return;
      this.#port.postMessage({ type: 'abort', id, reason: packError(signal.reason) });
    };
    signal.addEventListener('abort', onAbort, { once: true });
    return () => signal.removeEventListener('abort', onAbort);
  }
}

function signalOf(args: readonly unknown[]): AbortSignal | undefined {
  const last: unknown = args.at(-1);
  if (typeof last !== 'object' || last === null || !('signal' in last)) return undefined;
  return last.signal instanceof AbortSignal ? last.signal : undefined;
}

/** A signal cannot travel: it is followed here, and another one stands for it over there. */
function sendable(question: Question): Question & { readonly hasSignal: boolean } {
  const { target, method } = question;
  const args = question.args.map(ownBytes);
  const hasSignal = signalOf(question.args) !== undefined;
  const last = args.at(-1);
  if (typeof last === 'object' && last !== null && 'signal' in last) {
    args[args.length - 1] = { ...last, signal: undefined };
  }
  return { target, method, args, hasSignal };
}
