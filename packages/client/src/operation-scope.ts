import type { Clock, RequestOptions } from '@d-engine/base';

/** Tells waiting operations that the client is being closed. */
export class Closing {
  readonly #listeners = new Set<() => void>();
  #closed = false;

  get closed(): boolean {
    return this.#closed;
  }

  add(listener: () => void): void {
    this.#listeners.add(listener);
  }

  remove(listener: () => void): void {
    this.#listeners.delete(listener);
  }

  close(): void {
    this.#closed = true;
    for (const listener of [...this.#listeners]) listener();
  }
}

/** How long one operation may go on: until its deadline, its caller's signal or the close. */
export class OperationScope {
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  readonly #clock: Clock;
  readonly #closing: Closing;
  readonly #endMs: number;

  constructor(clock: Clock, closing: Closing, deadlineMs: number, options: RequestOptions) {
    this.deadlineMs = deadlineMs;
    this.signal = options.signal;
    this.#clock = clock;
    this.#closing = closing;
    this.#endMs = clock.monotonicMs() + deadlineMs;
  }

  get remainingMs(): number {
    return this.#endMs - this.#clock.monotonicMs();
  }

  /** Who ended the operation before its deadline. */
  get interruption(): 'aborted' | 'closed' | undefined {
    if (this.signal?.aborted === true) return 'aborted';
    return this.#closing.closed ? 'closed' : undefined;
  }

  /** Resolves after `ms`, or at once when the operation is interrupted. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#callAfter(ms, resolve);
    });
  }

  /** The outcome of a promise that never rejects; undefined when the operation ends before. */
  within<T>(promise: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const cancel = this.#callAfter(Math.max(this.remainingMs, 0), () => resolve(undefined));
      promise.then((value) => {
        cancel();
        resolve(value);
      }, reject);
    });
  }

  /** Calls back once: after `ms`, or when the operation is interrupted. */
  #callAfter(ms: number, callback: () => void): () => void {
    const cancel = (): void => {
      timer.cancel();
      this.signal?.removeEventListener('abort', done);
      this.#closing.remove(done);
    };
    const done = (): void => {
      cancel();
      callback();
    };
    const timer = this.#clock.setTimer(ms, done);
    this.signal?.addEventListener('abort', done, { once: true });
    this.#closing.add(done);
    if (this.interruption !== undefined) done();
    return cancel;
  }
}
