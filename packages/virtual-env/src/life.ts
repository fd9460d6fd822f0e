/** Something that happens at a virtual time. Without an action it was cancelled. */
export interface ScheduledEvent {
  timeMs: number;
  sequence: number;
  /** Whose event it is; it dies with its owner. Undefined for the world's own. */
  readonly life: Life | undefined;
  action: (() => void) | undefined;
}

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
