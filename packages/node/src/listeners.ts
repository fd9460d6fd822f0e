import type { Logger } from '@d-engine/base';
import { describeError } from '@d-engine/base';

/** Whom the host wants to be told of one kind of change. */
export class Listeners<Value> {
  readonly #listeners = new Set<(value: Value) => void>();
  readonly #logger: Logger;
  readonly #subject: string;

  /** `subject`, for the log: "leader changes". */
  constructor(logger: Logger, subject: string) {
    this.#logger = logger;
    this.#subject = subject;
  }

  /** Returns how to stop that. */
  add(listener: (value: Value) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Listeners are the host's: a mistake in one must not stop a member. */
  tell(value: Value): void {
    for (const listener of this.#listeners) {
      try {
        listener(value);
      } catch (error) {
        const message = `a listener to ${this.#subject} failed`;
        this.#logger.error(message, { error: describeError(error) });
      }
    }
  }
}
