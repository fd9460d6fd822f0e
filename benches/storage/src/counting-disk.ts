import type { Disk, DiskFile } from '@d-engine/base';

/** A disk that counts what is read from it. */
export class CountingDisk implements Disk {
  readonly #disk: Disk;
  readBytes = 0;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  async open(path: string, mode: 'create' | 'readWrite' | 'read'): Promise<DiskFile> {
    const file = await this.#disk.open(path, mode);
    return {
      read: async (position, length) => {
        const bytes = await file.read(position, length);
        this.readBytes += bytes.length;
        return bytes;
      },
      write: (position, chunks) => file.write(position, chunks),
      sync: () => file.sync(),
      writeAndSync: (position, chunks) => file.writeAndSync(position, chunks),
      truncate: (length) => file.truncate(length),
      size: () => file.size(),
      close: () => file.close(),
    };
  }

  list(directory: string): Promise<string[]> {
    return this.#disk.list(directory);
  }

  exists(path: string): Promise<boolean> {
    return this.#disk.exists(path);
  }

  makeDirectory(path: string): Promise<void> {
    return this.#disk.makeDirectory(path);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#disk.rename(from, to);
  }

  remove(path: string): Promise<void> {
    return this.#disk.remove(path);
  }

  syncDirectory(path: string): Promise<void> {
    return this.#disk.syncDirectory(path);
  }

  lockDirectory(path: string): ReturnType<Disk['lockDirectory']> {
    return this.#disk.lockDirectory(path);
  }
}
