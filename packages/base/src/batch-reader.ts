/** Where a reader gets its batches from. */
export interface BatchSource<Batch> {
  /** The next one, or undefined when there is none yet: {@link BatchReader.wake} follows. */
  take(): Batch | undefined;
  /** Nobody reads any more; called once. */
  close(): void;
}

/** The reader of a watch that cannot begin: it says why when it is read. */
export function failedReader<Batch>(failure: Error): BatchReader<Batch> {
  const nothing = (): undefined => undefined;
  const reader = new BatchReader<Batch>({ take: nothing, close: nothing }, undefined);
  reader.fail(failure);
  return reader;
}

interface Waiter<Batch> {
  readonly resolve: (result: IteratorResult<Batch, undefined>) => void;
  readonly reject: (error: Error) => void;
}

const ended: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The reading end of a watch: pulls from its source, so that a slow loop holds nothing up. */
export class BatchReader<Batch> implements AsyncIterableIterator<Batch, undefined, undefined> {
  readonly #source: BatchSource<Batch>;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#end();
  #waiters: Waiter<Batch>[] = [];
  #isTaking = false;
  #state: 'open' | 'ended' | { readonly failure: Error } = 'open';

  constructor(source: BatchSource<Batch>, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Batch, undefined>> {
    const result = this.#waiters.length > 0 ? undefined : this.#take();
    if (result !== undefined) return result;
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<Batch, undefined>> {
    this.#end();
    return Promise.resolve(ended);
  }

  /** The source may have something now. */
  wake(): void {
    // Taking may end the watch: whoever takes gives that to its waiter.
    while (!this.#isTaking && this.#waiters.length > 0) {
      const result = this.#take();
      if (result === undefined) return;
      const waiter = this.#waiters.shift() as Waiter<Batch>;
      result.then(waiter.resolve, waiter.reject);
    }
  }

  /** The watch cannot go on. */
  fail(failure: Error): void {
    if (this.#state !== 'open') return;
    this.#state = { failure };
    this.#letGo();
    this.wake();
  }

  #take(): Promise<IteratorResult<Batch, undefined>> | undefined {
    if (this.#state === 'open' && this.#signal?.aborted === true) this.#end();
    if (this.#state === 'open') {
      this.#isTaking = true;
      const value = this.#source.take();
      this.#isTaking = false;
      if (value !== undefined) return Promise.resolve({ done: false, value });
    }
    // Taking may have ended it.
    return this.#outcome();
  }

  #outcome(): Promise<IteratorResult<Batch, undefined>> | undefined {
    const state = this.#state;
    if (state === 'open') return undefined;
    if (state === 'ended') return Promise.resolve(ended);
    this.#state = 'ended';
    return Promise.reject(state.failure);
  }

  #end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    this.#letGo();
    this.wake();
  }

  #letGo(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#source.close();
  }
}
