import { dirname } from 'node:path';
import type { DirectoryLock, Disk, DiskErrorKind, DiskFile } from '@d-engine/base';
import { DiskError } from '@d-engine/base';

/** What becomes of data and names that were not synced. */
export type CrashMode =
  /** The power fails: all of it is gone. */
  | { readonly type: 'lost' }
  /** The power fails, but all of it had made it to the disk. */
  | { readonly type: 'kept' }
  /** Only the process dies: the system still holds it, as unsynced as before. */
  | { readonly type: 'process' }
  /** The power fails: each sector and each change of a directory is there or not. */
  | { readonly type: 'torn'; readonly seed: number };

export type Operation =
  | 'create'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'rename'
  | 'remove'
  | 'makeDirectory'
  | 'syncDirectory';

export interface Fault {
  readonly operation: Operation;
  readonly kind: DiskErrorKind;
  readonly pathIncludes?: string;
  /** How many matching operations go well first. */
  readonly after?: number;
  readonly times?: number;
}

const sectorBytes = 512;

interface FileNode {
  readonly type: 'file';
  /** What readers see. */
  cache: Buffer;
  /** What is on the disk for sure. */
  durable: Buffer;
  /** Sectors that a sync would write. A failed sync forgets them, as Linux does. */
  dirty: Set<number>;
}

/** One change of a directory, all or nothing. */
type Change = readonly { readonly name: string; readonly node: Node | undefined }[];

interface DirectoryNode {
  readonly type: 'directory';
  cache: Map<string, Node>;
  durable: Map<string, Node>;
  changes: Change[];
}

type Node = FileNode | DirectoryNode;

/**
 * A disk in memory that may be stopped at every operation that changes something. Only what was
 * synced is safe; the rest is decided by {@link CrashMode} in {@link CrashDisk.restart}.
 */
export class CrashDisk implements Disk {
  readonly #root: DirectoryNode;
  readonly #locks = new Set<string>();
  readonly #faults: { fault: Fault; passed: number; left: number }[] = [];
  /** Resolves when the crash has happened; nothing answers after it. */
  readonly crashed: Promise<void>;
  #onCrash: () => void = () => undefined;
  #isCrashed = false;
  /** Crash while the n-th change is under way. */
  crashAt: number | undefined;
  /** Changes so far. */
  steps = 0;
  openFiles = 0;
  /** By the path. */
  readonly bytesRead: Map<string, number> = new Map<string, number>();
  /** No write fits once so many bytes are in files. */
  capacityBytes: number = Number.POSITIVE_INFINITY;
  readonly counts: Record<Operation, number> = {
    create: 0,
    write: 0,
    sync: 0,
    truncate: 0,
    rename: 0,
    remove: 0,
    makeDirectory: 0,
    syncDirectory: 0,
  };
  /** Called, and waited for, before each change. */
  beforeChange: ((operation: Operation, path: string) => Promise<void>) | undefined;
  /** The same before each operation that changes nothing. */
  beforeLook: (() => Promise<void>) | undefined;

  constructor(root?: DirectoryNode) {
    this.#root = root ?? newDirectory();
    this.crashed = new Promise((resolve) => {
      this.#onCrash = resolve;
    });
  }

  addFault(fault: Fault): void {
    this.#faults.push({ fault, passed: 0, left: fault.times ?? 1 });
  }

  crashNow(): void {
    this.#isCrashed = true;
    this.#onCrash();
  }

  /** The disk as the next process finds it. */
  restart(mode: CrashMode): CrashDisk {
    this.crashNow();
    const random = mode.type === 'torn' ? randomOf(mode.seed) : () => 0;
    const disk = new CrashDisk(restartedDirectory(this.#root, mode, random, new Map()));
    disk.capacityBytes = this.capacityBytes;
    return disk;
  }

  /** The bytes that a reader of the file sees. */
  peek(path: string): Buffer {
    return Buffer.from(this.#file(path).cache);
  }

  /** Changes bytes behind everybody's back, durably. */
  poke(path: string, offset: number, bytes: Uint8Array): void {
    const file = this.#file(path);
    file.cache.set(bytes, offset);
    file.durable.set(bytes, offset);
  }

  /** The bytes of all files. */
  usedBytes(): number {
    const sizeOf = (node: Node): number =>
      node.type === 'file'
        ? node.cache.length
        : [...node.cache.values()].reduce((sum, child) => sum + sizeOf(child), 0);
    return sizeOf(this.#root);
  }

  async open(path: string, mode: 'create' | 'readWrite' | 'read'): Promise<DiskFile> {
    if (mode !== 'create') {
      const file = await this.#look(() => this.#file(path));
      return this.#handle(path, file, mode === 'readWrite');
    }
    const file = await this.#change('create', path, () => {
      const directory = this.#directory(dirname(path));
      if (directory.cache.has(nameOf(path))) throw new DiskError('exists', path, 'exists');
      const created: FileNode = newFile();
      applyChange(directory, [{ name: nameOf(path), node: created }]);
      return created;
    });
    return this.#handle(path, file, true);
  }

  list(directory: string): Promise<string[]> {
    return this.#look(() => [...this.#directory(directory).cache.keys()].sort());
  }

  exists(path: string): Promise<boolean> {
    return this.#look(() => this.#find(path) !== undefined);
  }

  makeDirectory(path: string): Promise<void> {
    return this.#change('makeDirectory', path, () => {
      let directory = this.#root;
      for (const name of namesOf(path)) {
        const child = directory.cache.get(name) ?? newDirectory();
        if (child.type === 'file') throw new DiskError('exists', path, `${name} is a file`);
        if (!directory.cache.has(name)) applyChange(directory, [{ name, node: child }]);
        directory = child;
      }
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#change('rename', to, () => {
      const directory = this.#directory(dirname(from));
      const node = directory.cache.get(nameOf(from));
      if (node === undefined) throw new DiskError('notFound', from, 'not found');
      applyChange(directory, [
        { name: nameOf(to), node },
        { name: nameOf(from), node: undefined },
      ]);
    });
  }

  remove(path: string): Promise<void> {
    return this.#change('remove', path, () => {
      this.#file(path);
      applyChange(this.#directory(dirname(path)), [{ name: nameOf(path), node: undefined }]);
    });
  }

  syncDirectory(path: string): Promise<void> {
    return this.#change('syncDirectory', path, () => {
      const directory = this.#directory(path);
      directory.durable = new Map(directory.cache);
      directory.changes = [];
    });
  }

  lockDirectory(path: string): Promise<DirectoryLock> {
    return this.#look(() => {
      this.#directory(path);
      if (this.#locks.has(path)) throw new DiskError('inUse', path, `${path} is in use`);
      this.#locks.add(path);
      return {
        release: async (): Promise<void> => {
          this.#locks.delete(path);
        },
      };
    });
  }

  #handle(path: string, file: FileNode, isWritable: boolean): DiskFile {
    let isOpen = true;
    this.openFiles += 1;
    const check = (forWriting: boolean): void => {
      if (!isOpen) throw new DiskError('io', path, `${path} is closed`);
      if (forWriting && !isWritable) throw new DiskError('permission', path, 'opened for reading');
    };
    const write = (position: number, chunks: readonly Uint8Array[]): Promise<void> =>
      this.#change('write', path, () => {
        check(true);
        this.#write(file, path, position, Buffer.concat(chunks));
      });
    const sync = (): Promise<void> =>
      this.#change('sync', path, () => {
        check(true);
        syncFile(file);
      });
    return {
      read: (position, length) =>
        this.#look(() => {
          check(false);
          const bytes = Uint8Array.from(file.cache.subarray(position, position + length));
          this.bytesRead.set(path, (this.bytesRead.get(path) ?? 0) + bytes.length);
          return bytes;
        }),
      write,
      sync,
      writeAndSync: async (position, chunks) => {
        await write(position, chunks);
        await sync();
      },
      truncate: (length) =>
        this.#change('truncate', path, () => {
          check(true);
          file.cache = resized(file.cache, length);
        }),
      size: () => this.#look(() => file.cache.length),
      close: () =>
        this.#look(() => {
          check(false);
          isOpen = false;
          this.openFiles -= 1;
        }),
    };
  }

  #write(file: FileNode, path: string, position: number, bytes: Buffer): void {
    const growth = Math.max(position + bytes.length - file.cache.length, 0);
    if (growth > 0 && this.usedBytes() + growth > this.capacityBytes) {
      throw new DiskError('full', path, 'no space left');
    }
    if (growth > 0) file.cache = resized(file.cache, position + bytes.length);
    file.cache.set(bytes, position);
    const end = position + bytes.length;
    for (let at = position; at < end; at = (sectorOf(at) + 1) * sectorBytes) {
      file.dirty.add(sectorOf(at));
    }
  }

  async #look<T>(effect: () => T): Promise<T> {
    await this.beforeLook?.();
    if (this.#isCrashed) return never();
    return effect();
  }

  /** The n-th change crashes with a sync not done, and with anything else done but not answered. */
  async #change<T>(operation: Operation, path: string, effect: () => T): Promise<T> {
    if (this.#isCrashed) return never();
    await this.beforeChange?.(operation, path);
    if (this.#isCrashed) return never();
    this.steps += 1;
    this.counts[operation] += 1;
    const crashes = this.steps === this.crashAt;
    if (crashes) {
      const isSync = operation === 'sync' || operation === 'syncDirectory';
      if (!isSync) effect();
      this.crashNow();
      return never();
    }
    this.#failIfAsked(operation, path);
    const result = effect();
    await null;
    return this.#isCrashed ? never() : result;
  }

  #failIfAsked(operation: Operation, path: string): void {
    for (const armed of this.#faults) {
      const { fault } = armed;
      if (fault.operation !== operation || !path.includes(fault.pathIncludes ?? '')) continue;
      if (armed.left === 0) continue;
      if (armed.passed < (fault.after ?? 0)) {
        armed.passed += 1;
        continue;
      }
      armed.left -= 1;
      const node = this.#find(path);
      if (operation === 'sync' && node?.type === 'file') node.dirty.clear();
      throw new DiskError(fault.kind, path, `${operation} failed as asked`);
    }
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of namesOf(path)) {
      if (node?.type !== 'directory') return undefined;
      node = node.cache.get(name);
    }
    return node;
  }

  #file(path: string): FileNode {
    const node = this.#find(path);
    if (node?.type !== 'file') throw new DiskError('notFound', path, `${path} is no file`);
    return node;
  }

  #directory(path: string): DirectoryNode {
    const node = this.#find(path);
    if (node?.type !== 'directory') throw new DiskError('notFound', path, `no directory ${path}`);
    return node;
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

function newFile(): FileNode {
  return { type: 'file', cache: Buffer.alloc(0), durable: Buffer.alloc(0), dirty: new Set() };
}

function newDirectory(): DirectoryNode {
  return { type: 'directory', cache: new Map(), durable: new Map(), changes: [] };
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

function nameOf(path: string): string {
  const name = namesOf(path).at(-1);
  if (name === undefined) throw new Error(`${path} has no name`);
  return name;
}

function sectorOf(position: number): number {
  return Math.floor(position / sectorBytes);
}

function resized(bytes: Buffer, length: number): Buffer {
  const result = Buffer.alloc(length);
  bytes.copy(result, 0, 0, length);
  return result;
}

function copySector(source: Buffer, target: Buffer, sector: number): void {
  const start = sector * sectorBytes;
  source.copy(target, start, start, start + sectorBytes);
}

function syncFile(file: FileNode): void {
  if (file.durable.length !== file.cache.length) {
    file.durable = resized(file.durable, file.cache.length);
  }
  for (const sector of file.dirty) copySector(file.cache, file.durable, sector);
  file.dirty.clear();
}

function applyChange(directory: DirectoryNode, change: Change): void {
  directory.changes.push(change);
  assign(directory.cache, change);
}

function assign(entries: Map<string, Node>, change: Change): void {
  for (const { name, node } of change) {
    if (node === undefined) entries.delete(name);
    else entries.set(name, node);
  }
}

// ---- after a crash ----

type Copies = Map<Node, Node>;

function restartedDirectory(
  directory: DirectoryNode,
  mode: CrashMode,
  random: () => number,
  copies: Copies,
): DirectoryNode {
  const copyOf = (node: Node): Node => {
    const known = copies.get(node);
    if (known !== undefined) return known;
    const copy =
      node.type === 'file'
        ? restartedFile(node, mode, random)
        : restartedDirectory(node, mode, random, copies);
    copies.set(node, copy);
    return copy;
  };
  const copyAll = (entries: Map<string, Node>): Map<string, Node> =>
    new Map([...entries].map(([name, node]) => [name, copyOf(node)]));
  if (mode.type === 'process') {
    const changes = directory.changes.map((change) =>
      change.map(({ name, node }) => ({ name, node: node && copyOf(node) })),
    );
    const { cache, durable } = directory;
    return { type: 'directory', cache: copyAll(cache), durable: copyAll(durable), changes };
  }
  const entries = new Map(directory.durable);
  for (const change of directory.changes) {
    if (survives(mode, random)) assign(entries, change);
  }
  const result = copyAll(entries);
  return { type: 'directory', cache: result, durable: new Map(result), changes: [] };
}

function restartedFile(file: FileNode, mode: CrashMode, random: () => number): FileNode {
  if (mode.type === 'process') {
    const { cache, durable, dirty } = file;
    const copy = { cache: Buffer.from(cache), durable: Buffer.from(durable) };
    return { type: 'file', ...copy, dirty: new Set(dirty) };
  }
  const longer = survives(mode, random) ? file.cache.length : file.durable.length;
  const content = resized(file.durable, longer);
  for (const sector of file.dirty) {
    if (survives(mode, random)) copySector(file.cache, content, sector);
  }
  return { type: 'file', cache: content, durable: Buffer.from(content), dirty: new Set() };
}

function survives(mode: CrashMode, random: () => number): boolean {
  return mode.type === 'torn' ? random() < 0.5 : mode.type === 'kept';
}

/** mulberry32: small, seeded and good enough to tear sectors. */
export function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}
