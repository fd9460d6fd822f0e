/** A value of which watchers hear the newest one: those in between may be left out. */
export class LatestValue<Value> {
  readonly #watchers = new Set<() => void>();
  #value: Value;
  #version = 0;
  #failure: Error | undefined;

  constructor(value: Value) {
    this.#value = value;
  }

  get value(): Value {
    return this.#value;
  }

  /** Counts the changes. */
  get version(): number {
    return this.#version;
  }

  /** Set when there will be no further value. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  set(value: Value): void {
    this.#value = value;
    this.#version += 1;
    for (const wake of [...this.#watchers]) wake();
  }

  stop(failure: Error): void {
    this.#failure = failure;
    for (const wake of [...this.#watchers]) wake();
  }

  /** Calls back after each change; returns how to stop that. */
  watch(wake: () => void): () => void {
    this.#watchers.add(wake);
    return () => void this.#watchers.delete(wake);
  }
}
