import { pbkdf2 } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskError, type DiskErrorKind } from '@d-engine/base';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RealDisk } from './real-disk.ts';

const root = mkdtempSync(join(tmpdir(), 'd-engine-disk-'));
let disk: RealDisk;
let files = 0;

beforeEach(() => {
  disk = new RealDisk();
});

afterEach(() => disk.close());
afterAll(() => rmSync(root, { recursive: true, force: true }));

function newPath(): string {
  files += 1;
  return join(root, `f${files}`);
}

async function failure(promise: Promise<unknown>): Promise<DiskErrorKind> {
  const error: unknown = await promise.then(
    () => 'it worked',
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DiskError);
  return (error as DiskError).kind;
}

function bytes(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed) % 256);
}

describe('a file', () => {
  it('is written, read, cut and measured', async () => {
    const path = newPath();
    const file = await disk.open(path, 'create');
    await file.write(0, [bytes(10, 1), new Uint8Array(0), bytes(5, 2)]);
    await file.write(3, []);
    await file.sync();
    expect(await file.size()).toBe(15);
    expect(await file.read(0, 10)).toEqual(Buffer.from(bytes(10, 1)));
    expect(await file.read(10, 100)).toEqual(Buffer.from(bytes(5, 2)));
    expect(await file.read(12, 1_000_000)).toEqual(Buffer.from(bytes(5, 2).subarray(2)));
    expect(await file.read(99, 1_000_000)).toEqual(Buffer.alloc(0));
    await file.truncate(4);
    expect(await file.size()).toBe(4);
    await file.close();
    await file.close();
    expect(readFileSync(path)).toEqual(Buffer.from(bytes(4, 1)));
  });

  it('takes more chunks than one call of the system does', async () => {
    const file = await disk.open(newPath(), 'create');
    const chunks = Array.from({ length: 3000 }, (_, index) => bytes(7, index));
    await file.write(5, chunks);
    await file.writeAndSync(5 + 21_000, chunks);
    const expected = Buffer.concat([...chunks, ...chunks]);
    expect(await file.read(5, 100_000)).toEqual(expected);
    await file.close();
  });

  it('is refused with a reason', async () => {
    const path = newPath();
    expect(await failure(disk.open(path, 'read'))).toBe('notFound');
    expect(await failure(disk.open(path, 'readWrite'))).toBe('notFound');
    await (await disk.open(path, 'create')).close();
    expect(await failure(disk.open(path, 'create'))).toBe('exists');
    expect(await failure(disk.open(root, 'readWrite'))).toBe('io');
    const file = await disk.open(path, 'read');
    expect(await failure(file.write(0, [bytes(1, 0)]))).toBe('io');
    await file.close();
    await expect(file.size()).rejects.toThrow('is closed');
    if (process.getuid?.() === 0) return;
    chmodSync(path, 0);
    expect(await failure(disk.open(path, 'read'))).toBe('permission');
  });

  it.runIf(existsSync('/dev/full'))('says when the disk is full', async () => {
    const file = await disk.open('/dev/full', 'readWrite');
    expect(await failure(file.write(0, [bytes(10, 0)]))).toBe('full');
    // First in libuv's pool, then on the thread.
    expect(await failure(file.writeAndSync(0, [bytes(10, 0)]))).toBe('full');
    await threadsRun();
    expect(await failure(file.writeAndSync(0, [bytes(10, 0)]))).toBe('full');
    await file.close();
  });

  it('is closed only when nothing is under way', async () => {
    const path = newPath();
    const file = await disk.open(path, 'create');
    await file.writeAndSync(0, [bytes(1, 0)]);
    await threadsRun();
    const writes = [1, 2, 3].map((at) => file.writeAndSync(at * 10, [bytes(10, at)]));
    await file.close();
    await Promise.all(writes);
    expect(readFileSync(path)).toHaveLength(40);
  });
});

describe('a flush', () => {
  it('survives many at the same time, of every size', async () => {
    const path = newPath();
    const file = await disk.open(path, 'create');
    await file.writeAndSync(0, [bytes(1, 0)]);
    await threadsRun();
    const sizes = [1, 300, 70_000, 0, 400_000, 700_000, 1_500_000, 3, 64];
    let position = 0;
    const expected: Uint8Array[] = [];
    const flushes: Promise<void>[] = [];
    for (const [seed, size] of sizes.entries()) {
      const chunks = [bytes(Math.floor(size / 2), seed), bytes(Math.ceil(size / 2), seed + 1)];
      flushes.push(file.writeAndSync(position, chunks), file.sync());
      expected.push(...chunks);
      position += size;
    }
    await Promise.all(flushes);
    expect(Buffer.compare(readFileSync(path), Buffer.concat(expected))).toBe(0);
    await file.close();
  });

  it('does not wait for what else is in the pool', async () => {
    const file = await disk.open(newPath(), 'create');
    await file.writeAndSync(0, [bytes(300, 0)]);
    await file.sync();
    await threadsRun();
    let hashed = 0;
    const hashes = Array.from(
      { length: 6 },
      () =>
        new Promise<void>((resolve) => {
          pbkdf2('password', 'salt', 200_000, 32, 'sha512', () => {
            hashed += 1;
            resolve();
          });
        }),
    );
    for (let at = 0; at < 5; at += 1) await file.writeAndSync(at * 300, [bytes(300, at)]);
    await file.sync();
    expect(hashed).toBe(0);
    await Promise.all(hashes);
    await file.close();
  });

  it('goes to the pool once the disk is closed', async () => {
    const path = newPath();
    const file = await disk.open(path, 'create');
    await disk.close();
    await file.writeAndSync(0, [bytes(9, 1)]);
    await file.sync();
    await file.close();
    expect(readFileSync(path)).toHaveLength(9);
  });
});

describe('a directory', () => {
  it('is made, listed and synced', async () => {
    const path = join(newPath(), 'a', 'b');
    expect(await disk.exists(path)).toBe(false);
    expect(await failure(disk.list(path))).toBe('notFound');
    expect(await failure(disk.syncDirectory(path))).toBe('notFound');
    await disk.makeDirectory(path);
    await disk.makeDirectory(path);
    for (const name of ['c', 'B', 'a']) writeFileSync(join(path, name), name);
    expect(await disk.list(path)).toEqual(['B', 'a', 'c']);
    expect(await disk.exists(join(path, 'a'))).toBe(true);
    expect(await disk.exists(join(path, 'a', 'x'))).toBe(false);
    await disk.rename(join(path, 'a'), join(path, 'c'));
    await disk.remove(join(path, 'B'));
    await disk.syncDirectory(path);
    expect(await disk.list(path)).toEqual(['c']);
    expect(readFileSync(join(path, 'c'), 'utf8')).toBe('a');
    expect(await failure(disk.remove(join(path, 'B')))).toBe('notFound');
    expect(await failure(disk.rename(join(path, 'B'), join(path, 'D')))).toBe('notFound');
    expect(await failure(disk.makeDirectory(join(path, 'c')))).toBe('exists');
    await expect(disk.makeDirectory(join(path, 'c'))).rejects.toThrow('is a file: a directory');
    await expect(disk.makeDirectory(join(path, 'c/d'))).rejects.toThrow('is a file: a directory');
    await (await disk.lockDirectory(path)).release();
  });
});

/** Threads start within some ten milliseconds. */
async function threadsRun(): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!disk.flushesOnThread) {
    expect(performance.now()).toBeLessThan(deadline);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
