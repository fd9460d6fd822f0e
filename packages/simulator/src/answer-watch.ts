import type { VirtualHost, VirtualWorld } from '@d-engine/virtual-env';
import { clockRateDeviationMax } from './draw-scenario.ts';
import type { CheckName } from './violation.ts';

/** The code that an operation was asked of, in a process of this host. */
export interface Asked {
  readonly host: VirtualHost;
  /** What it promised, by its own clock. */
  readonly deadlineMs: number;
}

/** An operation that a process still owes an answer or an error. */
export interface OwedAnswer {
  readonly name: string;
  readonly asked: Asked;
  /** The process: another one of the same host owes nothing. */
  readonly life: number | undefined;
  readonly awakeAtMs: number;
}

/** For sweeps of deadlines, the way back and work that is ahead in the queue. */
const slackMs = 500;

/**
 * Holds processes to their deadlines, faults or not: while a process runs, what it was asked is
 * settled in time. It may die or sleep meanwhile, but nothing may hang in it for ever.
 */
export class AnswerWatch {
  readonly #world: VirtualWorld;
  readonly #violated: (check: CheckName, text: string) => void;
  /** With how to cancel the next look at it. */
  readonly #owed = new Map<OwedAnswer, () => void>();

  constructor(world: VirtualWorld, violated: (check: CheckName, text: string) => void) {
    this.#world = world;
    this.#violated = violated;
  }

  begin(name: string, asked: Asked): OwedAnswer {
    const { life, awakeMs } = asked.host;
    const owed = { name, asked, life, awakeAtMs: awakeMs };
    this.#lookIn(answerBoundMs(asked), owed);
    return owed;
  }

  settle(owed: OwedAnswer): void {
    this.#owed.get(owed)?.();
    this.#owed.delete(owed);
  }

  isOwed(owed: OwedAnswer): boolean {
    return this.#owed.has(owed) && owed.asked.host.life === owed.life;
  }

  /** Of processes that live. */
  get owed(): OwedAnswer[] {
    return [...this.#owed.keys()].filter((owed) => this.isOwed(owed));
  }

  #lookIn(delayMs: number, owed: OwedAnswer): void {
    this.#owed.set(
      owed,
      this.#world.after(delayMs, () => this.#look(owed)),
    );
  }

  #look(owed: OwedAnswer): void {
    const { name, asked, life, awakeAtMs } = owed;
    if (asked.host.life !== life) {
      this.#owed.delete(owed);
      return;
    }
    const leftMs = answerBoundMs(asked) - (asked.host.awakeMs - awakeAtMs);
    // A process that sleeps is looked at now and then.
    if (leftMs > 0) return this.#lookIn(Math.max(leftMs, 1), owed);
    this.#owed.delete(owed);
    const bound = Math.round(answerBoundMs(asked));
    this.#violated('liveness', `no answer in the ${bound} ms that ${asked.host.name} ran: ${name}`);
  }
}

/** Awake and in true time, however slow the clock of the host is. */
export function answerBoundMs({ deadlineMs }: Asked): number {
  return deadlineMs / (1 - clockRateDeviationMax) + slackMs;
}
