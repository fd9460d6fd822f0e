import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { formatLine } from './real-logger-line.ts';

/** How long to leave a file alone that could not be opened. */
const retryMs = 1000;

/** An appended text file that never fails its caller: what the disk refuses is counted. */
export class LogFile {
  readonly #path: string;
  #fd: number | undefined;
  #openedAtMs = 0;
  /** Whether the file ends in the middle of a line: of a crash, or of a full disk. */
  #isMidLine = false;
  #dropped = 0;
  #droppedUnreported = 0;
  #problem: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Lines that could not be written. */
  get dropped(): number {
    return this.#dropped;
  }

  /** What went wrong last; undefined while it works. */
  get problem(): string | undefined {
    return this.#problem;
  }

  start(separator: string): void {
    this.#open();
    if (this.#fd !== undefined) this.#write(separator);
  }

  append(lines: string): void {
    if (this.#fd === undefined && performance.now() - this.#openedAtMs > retryMs) this.#open();
    const lost = this.#droppedUnreported;
    const note =
      lost === 0 ? '' : formatLine(new Date(), 'WARN', 'log lines lost', this.#lossFields(lost));
    if (this.#write(note + lines)) {
      this.#droppedUnreported = 0;
      this.#problem = undefined;
      return;
    }
    const count = countLines(lines);
    this.#dropped += count;
    this.#droppedUnreported += count;
  }

  /** Keeps the old file when the new one cannot be opened. */
  reopen(): void {
    this.#open();
  }

  close(): void {
    if (this.#fd !== undefined) closeQuietly(this.#fd);
    this.#fd = undefined;
  }

  #lossFields(count: number): { count: number; problem: string | undefined } {
    return { count, problem: this.#problem };
  }

  #open(): void {
    this.#openedAtMs = performance.now();
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      const fd = openSync(this.#path, 'a+');
      this.close();
      this.#fd = fd;
      this.#isMidLine = endsMidLine(fd);
    } catch (error) {
      this.#problem = String(error);
    }
  }

  /** Whether all of it was written. */
  #write(text: string): boolean {
    const fd = this.#fd;
    if (fd === undefined) return false;
    const bytes = Buffer.from(this.#isMidLine ? `\n${text}` : text);
    let done = 0;
    try {
      while (done < bytes.length) done += writeSync(fd, bytes, done);
      this.#isMidLine = false;
      return true;
    } catch (error) {
      this.#problem = String(error);
      if (done > 0) this.#isMidLine = bytes[done - 1] !== newline;
      return false;
    }
  }
}

const newline = 0x0a;

function endsMidLine(fd: number): boolean {
  const stats = fstatSync(fd);
  if (!stats.isFile() || stats.size === 0) return false;
  const last = Buffer.alloc(1);
  return readSync(fd, last, 0, 1, stats.size - 1) === 1 && last[0] !== newline;
}

function countLines(lines: string): number {
  let count = 0;
  for (let at = lines.indexOf('\n'); at !== -1; at = lines.indexOf('\n', at + 1)) count += 1;
  return count;
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // The lines are written; nobody can do anything about it.
  }
}
