import { noOutput } from './script.ts';

/**
 * What a line of the trace tells: a message put on a link, one handed over, a disk at work, or
 * something that matters to users and operators (roles, commits, reads, notices).
 */
export type TraceKind = 'send' | 'deliver' | 'disk' | 'outcome';

export const traceLevels = ['all', 'messages', 'outcomes', 'none'] as const;
export type TraceLevel = (typeof traceLevels)[number];

const shown: Readonly<Record<TraceLevel, readonly TraceKind[]>> = {
  all: ['send', 'deliver', 'disk', 'outcome'],
  messages: ['deliver', 'disk', 'outcome'],
  outcomes: ['outcome'],
  none: [],
};

/** Collects the output of one command after another. */
export class Trace {
  level: TraceLevel = 'all';
  #lines: string[] = [];

  add(kind: TraceKind, line: string): void {
    if (shown[this.level].includes(kind)) this.#lines.push(line);
  }

  /** An answer that the command itself asked for: shown at every level. */
  print(line: string): void {
    this.#lines.push(line);
  }

  /** The lines so far; the next command starts anew. */
  take(): readonly string[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines.length === 0 ? [noOutput] : lines;
  }
}
