import type { Schedule } from '@d-engine/base';

export interface Flushable {
  /** Hands on what was gathered, in one write. */
  flush(): void;
}

/**
 * What connections have to send is gathered until the turn is over, and then leaves in one write
 * each. What a read brings about leaves at the end of that read, without this.
 */
export class TurnFlusher {
  readonly #schedule: Schedule;
  #waiting: Flushable[] = [];
  #scheduled = false;
  #isBatching = false;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  /** The connection asks once until it was flushed. */
  add(connection: Flushable): void {
    this.#waiting.push(connection);
    if (this.#scheduled || this.#isBatching) return;
    this.#scheduled = true;
    this.#schedule.afterPoll(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  /** Work at whose end everything leaves: no need to wait for the next round of the loop. */
  batch(work: () => void): void {
    this.#isBatching = true;
    try {
      work();
    } finally {
      this.#isBatching = false;
      this.#flush();
    }
  }

  #flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const connection of waiting) connection.flush();
  }
}
