import type { LogFields, Logger, LogLevel } from '@d-engine/base';
import { logLevels } from '@d-engine/base';
import { LogFile } from './real-logger-file.ts';
import { formatLine } from './real-logger-line.ts';

export interface FileLoggerOptions {
  readonly path: string;
  /** Lines below it are left out. */
  readonly level: LogLevel;
  /** Gets the same text as the file, one or more whole lines with their newlines. */
  readonly echo?: ((lines: string) => void) | undefined;
}

/** How late a debug or trace line may be in the file. */
const flushMs = 100;
/** Debug lines are written earlier when so many gathered. */
const pendingCharsMax = 64 * 1024;

/**
 * A log file. Lines from info on are in the system's hands before the turn of the loop ends, in
 * one write a turn (a microtask), errors and `always` at once: a SIGKILL does not lose them.
 */
export class FileLogger implements Logger {
  readonly #rank: number;
  readonly #file: LogFile;
  readonly #echo: ((lines: string) => void) | undefined;
  #pending = '';
  #timer: NodeJS.Timeout | undefined;
  #isFlushQueued = false;
  #isClosed = false;

  constructor(options: FileLoggerOptions) {
    this.#rank = logLevels.indexOf(options.level);
    this.#echo = options.echo;
    this.#file = new LogFile(options.path);
    this.#file.start(`---- started ${new Date().toISOString()} pid=${process.pid} ----\n`);
    const { problem } = this.#file;
    if (problem !== undefined) this.warn('log file cannot be written', { problem });
  }

  /** Lines that the disk refused, so far. */
  get dropped(): number {
    return this.#file.dropped;
  }

  enabled(level: LogLevel): boolean {
    return logLevels.indexOf(level) >= this.#rank;
  }

  trace(message: string, fields?: LogFields): void {
    if (this.enabled('trace')) this.#addLater('TRACE', message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    if (this.enabled('debug')) this.#addLater('DEBUG', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    if (this.enabled('info')) this.#addThisTurn('INFO', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    if (this.enabled('warn')) this.#addThisTurn('WARN', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#add('ERROR', message, fields);
    this.#flush();
  }

  always(message: string, fields?: LogFields): void {
    this.#add('INFO', message, fields);
    this.#flush();
  }

  /** Opens the file anew, after somebody moved it away. */
  reopen(): void {
    if (this.#isClosed) return;
    this.#flush();
    this.#file.reopen();
  }

  /** Writes what is left. Later lines are only echoed. */
  close(): void {
    if (this.#isClosed) return;
    this.#flush();
    this.#isClosed = true;
    this.#file.close();
  }

  #add(level: string, message: string, fields: LogFields | undefined): void {
    this.#pending += formatLine(new Date(), level, message, fields);
  }

  #addThisTurn(level: string, message: string, fields: LogFields | undefined): void {
    this.#add(level, message, fields);
    if (this.#isFlushQueued) return;
    this.#isFlushQueued = true;
    queueMicrotask(() => this.#flush());
  }

  #addLater(level: string, message: string, fields: LogFields | undefined): void {
    this.#add(level, message, fields);
    if (this.#pending.length > pendingCharsMax) return this.#flush();
    this.#timer ??= setTimeout(() => this.#flush(), flushMs).unref();
  }

  /** Never throws. */
  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isFlushQueued = false;
    const lines = this.#pending;
    if (lines === '') return;
    this.#pending = '';
    if (!this.#isClosed) this.#file.append(lines);
    try {
      this.#echo?.(lines);
    } catch {
      // The host's terminal is the host's problem; the file has the lines.
    }
  }
}
