import { performance } from 'node:perf_hooks';
import type { Answer, Command, Operation, Outcome } from '@d-engine/simulator';

/** How an operation ended that was not answered. */
export class Failed extends Error {
  override readonly name = 'Failed';
  readonly mayHaveBeenApplied: boolean;

  constructor(message: string, mayHaveBeenApplied: boolean) {
    super(message);
    this.mayHaveBeenApplied = mayHaveBeenApplied;
  }
}

type OutcomeCounts = Record<Outcome['type'], number>;

/** What the clients asked and heard, by the clock of the one process that they all are. */
export class Recorder {
  readonly operations: Operation[] = [];
  readonly counts: OutcomeCounts = { answered: 0, refused: 0, unknown: 0 };
  /** Of those that began and ended while a link of the clients was cut. */
  readonly countsPastCut: OutcomeCounts = { answered: 0, refused: 0, unknown: 0 };
  readonly #isCutOff: () => boolean;
  /** The longest time without an acknowledged write. */
  longestPauseMs = 0;
  #acknowledgedAtMs = performance.now();

  constructor(isCutOff: () => boolean) {
    this.#isCutOff = isCutOff;
  }

  /**
   * Undefined: nothing is known of it. Who a history is of may be known only in the end: a function
   * is asked once the outcome is there.
   */
  async perform(
    client: string | (() => string),
    key: string,
    command: Command,
    execute: () => Promise<Answer>,
  ): Promise<Answer | undefined> {
    const invokedAtMs = performance.now();
    const isCutOff = this.#isCutOff();
    const outcome = await outcomeOf(command, execute);
    const settledAtMs = outcome.type === 'unknown' ? Infinity : performance.now();
    const name = typeof client === 'string' ? client : client();
    this.operations.push({ client: name, key, command, invokedAtMs, settledAtMs, outcome });
    this.counts[outcome.type] += 1;
    if (isCutOff && this.#isCutOff()) this.countsPastCut[outcome.type] += 1;
    if (outcome.type !== 'answered') return undefined;
    if (command.type !== 'read') this.#acknowledged(settledAtMs);
    return outcome.answer;
  }

  #acknowledged(nowMs: number): void {
    this.longestPauseMs = Math.max(this.longestPauseMs, nowMs - this.#acknowledgedAtMs);
    this.#acknowledgedAtMs = nowMs;
  }
}

async function outcomeOf(command: Command, execute: () => Promise<Answer>): Promise<Outcome> {
  try {
    return { type: 'answered', answer: await execute() };
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    // A read that failed saw nothing.
    if (command.type === 'read' || !error.mayHaveBeenApplied) return { type: 'refused' };
    return { type: 'unknown' };
  }
}
