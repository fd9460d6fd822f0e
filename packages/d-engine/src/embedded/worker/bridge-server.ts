import { assert } from '@d-engine/base';
import type { Answer, BridgePort, BridgeTarget, ToEngine } from './bridge-messages.ts';
import { ownBytes } from './own-bytes.ts';
import { packError, unpackError } from './sent-error.ts';

/** The engine's end: carries out what the host asks of the objects on this thread. */
export class BridgeServer {
  readonly #port: BridgePort<Answer>;
  readonly #targets: Readonly<Record<BridgeTarget, object>>;
  readonly #signals = new Map<number, AbortController>();
  readonly #iterations = new Map<number, AsyncIterator<unknown>>();

  constructor(port: BridgePort<Answer>, targets: Readonly<Record<BridgeTarget, object>>) {
    this.#port = port;
    this.#targets = targets;
  }

  /** Answers come by the port; never throws. */
  onMessage(message: ToEngine): void {
    switch (message.type) {
      case 'call':
        return this.#answer(message.id, async () => {
          const value: unknown = await this.#invoke(message);
          return { type: 'result', id: message.id, value: ownBytes(value) };
        });
      case 'iterate':
        return this.#answer(message.id, async () => {
          const iterable = this.#invoke(message) as AsyncIterable<unknown>;
          this.#iterations.set(message.id, iterable[Symbol.asyncIterator]());
          return this.#next(message.id);
        });
      case 'next':
        return this.#answer(message.id, () => this.#next(message.id));
      case 'abort':
        this.#signals.get(message.id)?.abort(unpackError(message.reason));
        return;
      case 'endIteration':
        return this.#endIteration(message.id);
    }
  }

  #invoke(message: Extract<ToEngine, { readonly args: readonly unknown[] }>): unknown {
    const target = this.#targets[message.target];
    const method: unknown = Reflect.get(target, message.method);
    assert(typeof method === 'function', () => `${message.target} has no ${message.method}`);
    const args = [...message.args];
    if (message.hasSignal) {
      const controller = new AbortController();
      this.#signals.set(message.id, controller);
      const last = args.at(-1);
      assert(typeof last === 'object' && last !== null, 'a signal without its options');
      args[args.length - 1] = { ...last, signal: controller.signal };
    }
    return Reflect.apply(method, target, args) as unknown;
  }

  async #next(id: number): Promise<Answer> {
    const iteration = this.#iterations.get(id);
    if (iteration === undefined) return { type: 'end', id };
    const result = await iteration.next();
    if (result.done === true) {
      this.#forget(id);
      return { type: 'end', id };
    }
    return { type: 'item', id, value: ownBytes(result.value) };
  }

  #answer(id: number, work: () => Promise<Answer>): void {
    work()
      .then((answer) => {
        if (answer.type === 'result') this.#forget(id);
        this.#port.postMessage(answer);
      })
      .catch((error: unknown) => {
        this.#forget(id);
        this.#port.postMessage({ type: 'failure', id, error: packError(error) });
      });
  }

  #endIteration(id: number): void {
    const iteration = this.#iterations.get(id);
    this.#forget(id);
    // Nobody waits for it any more; what goes wrong at its end is told to nobody.
    iteration?.return?.().catch(() => undefined);
  }

  #forget(id: number): void {
    this.#signals.delete(id);
    this.#iterations.delete(id);
  }
}
