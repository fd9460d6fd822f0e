import type { DirectoryLock, Disk, DiskFile } from '@d-engine/base';
import { DiskError } from '@d-engine/base';

/**
 * Files in memory, for tests and for what may be lost: a member that is stopped finds them again
 * while the object lives, and nothing survives the process.
 */
export class MemoryStorage implements Disk {
  readonly #files = new Map<string, MemoryFile>();
  readonly #directories = new Set<string>(['/', '.']);
  readonly #locked = new Set<string>();

  async open(path: string, mode: 'create' | 'readWrite' | 'read'): Promise<DiskFile> {
    const found = this.#files.get(path);
    if (mode !== 'create') {
      if (found === undefined) throw notFound(path);
      return found;
    }
    if (found !== undefined) throw new DiskError('exists', path, `there is a file ${path} already`);
    const made = new MemoryFile();
    this.#files.set(path, made);
    return made;
  }

  async list(directory: string): Promise<string[]> {
    const prefix = `${directory}/`;
    const below = [...this.#files.keys(), ...this.#directories].filter((p) => p.startsWith(prefix));
    if (below.length === 0 && !this.#directories.has(directory)) throw notFound(directory);
    const names = below.map((path) => path.slice(prefix.length).split('/')[0] ?? '');
    return [...new Set(names)].sort();
  }

  async exists(path: string): Promise<boolean> {
    return this.#files.has(path) || this.#directories.has(path);
  }

  async makeDirectory(path: string): Promise<void> {
    const parts = path.split('/');
    for (const [at] of parts.entries()) this.#directories.add(parts.slice(0, at + 1).join('/'));
  }

  async rename(from: string, to: string): Promise<void> {
    const file = this.#files.get(from);
    if (file === undefined) throw notFound(from);
    this.#files.delete(from);
    this.#files.set(to, file);
  }

  async remove(path: string): Promise<void> {
    if (!this.#files.delete(path) && !this.#directories.delete(path)) throw notFound(path);
  }

  async syncDirectory(path: string): Promise<void> {
    if (!this.#directories.has(path)) throw notFound(path);
  }

  async lockDirectory(path: string): Promise<DirectoryLock> {
    if (this.#locked.has(path)) {
      throw new DiskError('inUse', path, `${path} is in use by another member of this process`);
    }
    this.#locked.add(path);
    return { release: async () => void this.#locked.delete(path) };
  }
}

/** Grows by doubling, so that a log of many small writes is not copied with each. */
class MemoryFile implements DiskFile {
  #bytes = new Uint8Array(0);
  #length = 0;

  async read(position: number, length: number): Promise<Uint8Array> {
    return this.#bytes.slice(position, Math.min(position + length, this.#length));
  }

  async write(position: number, chunks: readonly Uint8Array[]): Promise<void> {
    let at = position;
    for (const chunk of chunks) {
      this.#reserve(at + chunk.length);
      this.#bytes.set(chunk, at);
      at += chunk.length;
    }
    this.#length = Math.max(this.#length, at);
  }

  async sync(): Promise<void> {
    // What is in memory is as durable as it gets.
  }

  async writeAndSync(position: number, chunks: readonly Uint8Array[]): Promise<void> {
    await this.write(position, chunks);
  }

  async truncate(length: number): Promise<void> {
    this.#reserve(length);
    this.#bytes.fill(0, length);
    this.#length = length;
  }

  async size(): Promise<number> {
    return this.#length;
  }

  async close(): Promise<void> {
    // The bytes stay for whoever opens the file next.
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(length, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

function notFound(path: string): DiskError {
  return new DiskError('notFound', path, `there is no ${path}`);
}
