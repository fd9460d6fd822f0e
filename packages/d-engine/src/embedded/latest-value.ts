/** A value that changes: whoever looks sees the newest one, and may miss those between. */
export class LatestValue<Value> {
  readonly #listeners = new Set<() => void>();
  #current: Value;
  #hasEnded = false;

  constructor(current: Value) {
    this.#current = current;
  }

  get current(): Value {
    return this.#current;
  }

  /** Nothing follows any more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  set(value: Value): void {
    this.#current = value;
    this.#tell();
  }

  end(): void {
    this.#hasEnded = true;
    this.#tell();
  }

  /** Calls back after each change, and at the end; returns how to stop that. Must not throw. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * What `select` makes of it, now and whenever that is another one. A slow reader gets the newest
   * alone. Throws the signal's reason when it aborts.
   */
  async *values<Part>(
    select: (value: Value) => Part,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Part, void, undefined> {
    for (;;) {
      signal?.throwIfAborted();
      const seen = select(this.#current);
      yield seen;
      while (select(this.#current) === seen) {
        if (this.#hasEnded) return;
        await this.#changed(signal);
        signal?.throwIfAborted();
      }
    }
  }

  /** Resolves after the next change, or when the signal aborts. */
  #changed(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        stop();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const stop = this.onChange(done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
