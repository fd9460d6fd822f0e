import { stat } from 'node:fs/promises';

/**
 * Tells when files have changed and then stood still from one look to the next, so that a pair of
 * files that is being replaced is not taken half old. Looks by path: links are followed anew.
 */
export class FileWatch {
  readonly #paths: readonly string[];
  readonly #onChange: () => void;
  #taken = '';
  #lastSeen = '';

  private constructor(paths: readonly string[], onChange: () => void) {
    this.#paths = paths;
    this.#onChange = onChange;
  }

  /** As they are now is no change. */
  static async begin(paths: readonly string[], onChange: () => void): Promise<FileWatch> {
    const watch = new FileWatch(paths, onChange);
    await watch.take();
    return watch;
  }

  /** They are about to be read for another reason. */
  async take(): Promise<void> {
    this.#taken = await this.#fingerprint();
    this.#lastSeen = this.#taken;
  }

  async look(): Promise<void> {
    const seen = await this.#fingerprint();
    const stoodStill = seen === this.#lastSeen;
    this.#lastSeen = seen;
    if (!stoodStill || seen === this.#taken) return;
    this.#taken = seen;
    this.#onChange();
  }

  async #fingerprint(): Promise<string> {
    const marks = await Promise.all(this.#paths.map(markOf));
    return marks.join(' ');
  }
}

async function markOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return `${ino}/${size}/${mtimeMs}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}
