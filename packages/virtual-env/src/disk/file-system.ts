import { assert, DiskError } from '@d-engine/base';
import type { SeededRandom } from '../seeded-random.ts';
import type { CrashCounts } from './crash-model.ts';
import { CrashModel } from './crash-model.ts';
import type { DirectoryChange, Node, Place } from './directory-node.ts';
import { DirectoryNode, makeDurable } from './directory-node.ts';
import { FileNode } from './file-node.ts';

export interface FileSystemOptions {
  readonly capacityBytes: number;
  readonly newDirectoriesDurable: boolean;
}

/** Names, files and what of both is durable. Without time: every method takes effect at once. */
export class FileSystem {
  capacityBytes: number;
  readonly #newDirectoriesDurable: boolean;
  #root: DirectoryNode = new DirectoryNode(0);
  #lastId = 0;
  #usedBytes = 0;
  /** In the order in which they came about, which keeps crashes reproducible. */
  readonly #dirtyFiles: Set<FileNode> = new Set();
  #unsettled: DirectoryChange[] = [];

  constructor(options: FileSystemOptions) {
    this.capacityBytes = options.capacityBytes;
    this.#newDirectoriesDurable = options.newDirectoriesDurable;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get hasUnsynced(): boolean {
    return this.#dirtyFiles.size > 0 || this.#unsettled.length > 0;
  }

  // ---- names ----

  find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of splitPath(path)) {
      if (node?.type !== 'directory') return undefined;
      node = node.entries.get(name);
    }
    return node;
  }

  /** By the names that are on the platter: what a power loss now is sure to leave. */
  findDurable(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of splitPath(path)) {
      if (node?.type !== 'directory') return undefined;
      node = node.durable.get(name);
    }
    return node;
  }

  file(path: string): FileNode {
    const node = this.find(path);
    if (node === undefined) throw new DiskError('notFound', path, `no such file: ${path}`);
    if (node.type !== 'file') throw new DiskError('io', path, `${path} is a directory`);
    return node;
  }

  directory(path: string): DirectoryNode {
    const node = this.find(path);
    if (node === undefined) throw new DiskError('notFound', path, `no such directory: ${path}`);
    if (node.type !== 'directory') throw new DiskError('io', path, `${path} is no directory`);
    return node;
  }

  create(path: string): FileNode {
    const place = this.#place(path);
    if (place.directory.entries.has(place.name)) {
      throw new DiskError('exists', path, `${path} exists already`);
    }
    if (this.#usedBytes >= this.capacityBytes) {
      throw new DiskError('full', path, `no space left to create ${path}`);
    }
    const file = new FileNode(++this.#lastId);
    place.directory.entries.set(place.name, file);
    this.#change(file, undefined, place);
    return file;
  }

  list(path: string): string[] {
    return [...this.directory(path).entries.keys()].sort();
  }

  makeDirectory(path: string): void {
    let directory = this.#root;
    for (const name of splitPath(path)) {
      const existing = directory.entries.get(name);
      if (existing?.type === 'file') {
        throw new DiskError('exists', path, `${name} in ${path} is a file`);
      }
      directory = existing ?? this.#addDirectory({ directory, name });
    }
  }

  rename(from: string, to: string): void {
    const source = this.#place(from);
    const node = source.directory.entries.get(source.name);
    if (node === undefined) throw new DiskError('notFound', from, `no such file: ${from}`);
    const target = this.#place(to);
    const replaced = target.directory.entries.get(target.name);
    if (replaced === node) return;
    if (replaced?.type === 'directory') throw new DiskError('io', to, `${to} is a directory`);
    source.directory.entries.delete(source.name);
    target.directory.entries.set(target.name, node);
    if (replaced !== undefined) this.#unlink(replaced);
    this.#change(node, source, target);
  }

  remove(path: string): void {
    const file = this.file(path);
    const place = this.#place(path);
    place.directory.entries.delete(place.name);
    this.#unlink(file);
    this.#change(file, place, undefined);
  }

  syncDirectoryUpTo(directory: DirectoryNode, mark: number): void {
    directory.syncUpTo(mark);
    this.#unsettled = this.#unsettled.filter((change) => !change.settled);
  }

  // ---- content ----

  /** Writes what fits; throws `full` when that is not all. */
  write(file: FileNode, path: string, position: number, bytes: Uint8Array): void {
    const before = file.length;
    const room = Math.max(this.capacityBytes - this.#usedBytes, 0);
    const growth = Math.max(position + bytes.length - before, 0);
    const fits = growth <= room || !file.linked;
    const part = fits ? bytes : bytes.subarray(0, Math.max(before + room - position, 0));
    if (part.length > 0) file.write(position, part);
    this.#changed(file, before);
    if (!fits) throw new DiskError('full', path, `no space left to write ${path}`);
  }

  truncate(file: FileNode, length: number): void {
    const before = file.length;
    file.truncate(length);
    this.#changed(file, before);
  }

  syncFileUpTo(file: FileNode, mark: number): void {
    file.syncUpTo(mark);
    if (file.unsynced.length === 0) this.#dirtyFiles.delete(file);
  }

  // ---- disasters ----

  powerLoss(random: SeededRandom): CrashCounts {
    const model = new CrashModel(random);
    for (const file of this.#dirtyFiles) model.crashFile(file);
    this.#dirtyFiles.clear();
    model.crashDirectoryChanges(this.#unsettled);
    this.#unsettled = [];
    this.#usedBytes = 0;
    const directories = [this.#root];
    for (let next = directories.pop(); next !== undefined; next = directories.pop()) {
      next.loseCache();
      for (const node of next.entries.values()) {
        if (node.type === 'directory') directories.push(node);
        else this.#relink(node);
      }
    }
    return model.counts;
  }

  /** A sync of this file failed: each change since the last one may be there, or gone for good. */
  loseUnsynced(file: FileNode, random: SeededRandom): CrashCounts {
    const before = file.length;
    const model = new CrashModel(random);
    model.crashFile(file);
    this.#dirtyFiles.delete(file);
    if (file.linked) this.#usedBytes += file.length - before;
    return model.counts;
  }

  wipe(): void {
    this.#root = new DirectoryNode(++this.#lastId);
    this.#dirtyFiles.clear();
    this.#unsettled = [];
    this.#usedBytes = 0;
  }

  // ---- inner workings ----

  #place(path: string): Place {
    const names = splitPath(path);
    const name = names.at(-1);
    if (name === undefined) throw new DiskError('io', path, 'the root is no file');
    return { directory: this.directory(names.slice(0, -1).join('/')), name };
  }

  #addDirectory(place: Place): DirectoryNode {
    const directory = new DirectoryNode(++this.#lastId);
    place.directory.entries.set(place.name, directory);
    const change = this.#change(directory, undefined, place);
    if (this.#newDirectoriesDurable) makeDurable(change);
    return directory;
  }

  #change(node: Node, from: Place | undefined, to: Place | undefined): DirectoryChange {
    const change: DirectoryChange = { id: ++this.#lastId, node, from, to, settled: false };
    from?.directory.addPending(change);
    if (to !== undefined && to.directory !== from?.directory) to.directory.addPending(change);
    this.#unsettled.push(change);
    return change;
  }

  #changed(file: FileNode, lengthBefore: number): void {
    if (file.unsynced.length > 0) this.#dirtyFiles.add(file);
    if (file.linked) this.#usedBytes += file.length - lengthBefore;
    assert(this.#usedBytes >= 0, 'files take less than nothing');
  }

  #unlink(file: FileNode): void {
    file.linked = false;
    this.#usedBytes -= file.length;
  }

  #relink(file: FileNode): void {
    file.linked = true;
    this.#usedBytes += file.length;
  }
}

/** Relative paths start at the root too: a host has no working directory. */
export function splitPath(path: string): readonly string[] {
  const known = namesOfPaths.get(path);
  if (known !== undefined) return known;
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  assert(!names.includes('..'), () => `no ".." in the paths of a virtual disk: ${path}`);
  if (namesOfPaths.size >= namesOfPathsMax) namesOfPaths.clear();
  namesOfPaths.set(path, names);
  return names;
}

/** Every operation names a path, and there are few of them. */
const namesOfPaths = new Map<string, readonly string[]>();
const namesOfPathsMax = 10_000;
