import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskError } from '@d-engine/base';
import { afterAll, describe, expect, it } from 'vitest';
import { lockDirectory } from './directory-lock.ts';

const root = mkdtempSync(join(tmpdir(), 'd-engine-lock-'));

afterAll(() => rmSync(root, { recursive: true, force: true }));

let directories = 0;

function newDirectory(name = ''): string {
  directories += 1;
  const path = join(root, `d${directories}${name}`);
  mkdirSync(path, { recursive: true });
  return path;
}

async function refusal(directory: string): Promise<DiskError> {
  const error: unknown = await lockDirectory(directory).then(
    () => 'locked',
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DiskError);
  return error as DiskError;
}

describe('a directory', () => {
  it('has one owner within a process until it is released', async () => {
    const directory = newDirectory();
    const lock = await lockDirectory(directory);
    const error = await refusal(directory);
    expect(error.kind).toBe('inUse');
    expect(error.message).toContain(`process ${process.pid} (this one`);
    expect(error.message).toContain("PM2's cluster mode");
    expect(error.message).toContain('file watcher');
    await lock.release();
    await lock.release();
    expect(readdirSync(directory)).toEqual([]);
    await (await lockDirectory(directory)).release();
  });

  it('has one owner among calls at the same time', async () => {
    const directory = newDirectory();
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, () => lockDirectory(directory)),
    );
    const locks = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    expect(locks).toHaveLength(1);
    expect((await refusal(directory)).kind).toBe('inUse');
    await locks[0]?.release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('may have a longer path than sockets have', async () => {
    const directory = newDirectory(`/${'long'.repeat(50)}/${'longer'.repeat(30)}`);
    const lock = await lockDirectory(directory);
    expect((await refusal(directory)).kind).toBe('inUse');
    await lock.release();
  });

  it('must exist', async () => {
    expect((await refusal(join(root, 'none'))).kind).toBe('notFound');
  });

  it('is free when a plain file has the name of the lock', async () => {
    const directory = newDirectory();
    writeFileSync(join(directory, 'lock'), '');
    await (await lockDirectory(directory)).release();
  });

  it('is not free while an owner lives that another one set aside and then died', async () => {
    const directory = newDirectory();
    const server = createServer((socket) => {
      socket.on('error', () => undefined).end('pid 4711\n');
    });
    await new Promise<void>((resolve) => server.listen(join(directory, 'lock.oabc'), resolve));
    expect((await refusal(directory)).message).toContain('process 4711');
    expect(readdirSync(directory)).toEqual(['lock']);
    await new Promise((resolve) => server.close(resolve));
    await (await lockDirectory(directory)).release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('loses what contenders left that died', async () => {
    const directory = newDirectory();
    for (const name of ['lock.n1', 'lock.o2']) writeFileSync(join(directory, name), '');
    const lock = await lockDirectory(directory);
    expect(readdirSync(directory)).toEqual(['lock']);
    await lock.release();
  });
});
