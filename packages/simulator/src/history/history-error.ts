/** A file that is no history: the message names the line, counted from 1. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError';

  constructor(line: number, problem: string) {
    super(`line ${line}: ${problem}`);
  }
}
