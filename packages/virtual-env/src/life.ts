import type { ScheduledEvent } from './event-queue.ts';

/**
 * One run of a host's process, from start to crash. Every event, promise and callback belongs to
 * the life that asked for it and is void after its end: nothing of an old process reaches the
 * next one.
 */
export class Life {
  readonly gate: Gate;
  /** 1 for the first run of the host. */
  readonly number: number;
  #alive = true;

  constructor(gate: Gate, number: number) {
    this.gate = gate;
    this.number = number;
  }

  get alive(): boolean {
    return this.#alive;
  }

  end(): void {
    this.#alive = false;
  }
}

/** Where the events of a host wait while it does not run: paused, stalled or suspended. */
export interface Gate {
  readonly host: string;
  readonly blocked: boolean;
  readonly waiting: ScheduledEvent[];
}
