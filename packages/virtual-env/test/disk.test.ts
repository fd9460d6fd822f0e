import type { Disk } from '@d-engine/base';
import { DiskError } from '@d-engine/base';
import { beforeEach, describe, expect, it } from 'vitest';
import type { VirtualHost } from '../src/index.ts';
import { VirtualWorld } from '../src/index.ts';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const shown = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

let world: VirtualWorld;
let host: VirtualHost;
let disk: Disk;

const done = <T>(promise: Promise<T>): Promise<T> => world.complete(promise);

async function kindOf(promise: Promise<unknown>): Promise<string> {
  const error = await done(promise).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof DiskError ? error.kind : `no DiskError: ${String(error)}`;
}

beforeEach(async () => {
  world = new VirtualWorld({ seed: 1 });
  host = world.host('a');
  disk = host.env.disk;
  await done(disk.makeDirectory('/data/log'));
});

describe('files', () => {
  it('hold what was written, in chunks and with holes', async () => {
    const file = await done(disk.open('/data/f', 'create'));
    await done(file.write(2, [text('ab'), text(''), text('cd')]));
    expect([...(await done(file.read(0, 100)))]).toEqual([0, 0, 97, 98, 99, 100]);
    expect(shown(await done(file.read(3, 2)))).toBe('bc');
    expect((await done(file.read(6, 10))).length).toBe(0);
    expect(await done(file.size())).toBe(6);
    await done(file.truncate(4));
    await done(file.truncate(6));
    expect([...(await done(file.read(0, 100)))]).toEqual([0, 0, 97, 98, 0, 0]);
  });

  it('are opened as the mode says', async () => {
    expect(await kindOf(disk.open('/data/f', 'read'))).toBe('notFound');
    expect(await kindOf(disk.open('/data/f', 'readWrite'))).toBe('notFound');
    expect(await kindOf(disk.open('/nowhere/f', 'create'))).toBe('notFound');
    const file = await done(disk.open('/data/f', 'create'));
    expect(await kindOf(disk.open('/data/f', 'create'))).toBe('exists');
    await done(file.write(0, [text('abc')]));
    const reader = await done(disk.open('/data/f', 'read'));
    expect(shown(await done(reader.read(0, 3)))).toBe('abc');
    expect(await kindOf(reader.write(0, [text('x')]))).toBe('permission');
    await done(reader.close());
    expect(await kindOf(reader.read(0, 1))).toBe('io');
  });

  it('are listed by name, sorted, and renamed over others', async () => {
    for (const name of ['b', 'a', 'c']) {
      const file = await done(disk.open(`/data/${name}`, 'create'));
      await done(file.writeAndSync(0, [text(name)]));
    }
    expect(await done(disk.list('/data'))).toEqual(['a', 'b', 'c', 'log']);
    await done(disk.rename('/data/a', '/data/log/b2'));
    await done(disk.rename('/data/c', '/data/b'));
    expect(await done(disk.list('/data'))).toEqual(['b', 'log']);
    expect(shown(host.disk.peek('/data/b'))).toBe('c');
    expect(shown(host.disk.peek('/data/log/b2'))).toBe('a');
    await done(disk.remove('/data/b'));
    expect(await done(disk.exists('/data/b'))).toBe(false);
    expect(await kindOf(disk.remove('/data/b'))).toBe('notFound');
    expect(await kindOf(disk.rename('/data/b', '/data/x'))).toBe('notFound');
    expect(await kindOf(disk.list('/data/x'))).toBe('notFound');
  });

  it('take sparse room in memory for preallocated zeros', async () => {
    const file = await done(disk.open('/data/segment', 'create'));
    const zeros = new Uint8Array(1024 * 1024);
    for (let part = 0; part < 64; part++) await done(file.write(part * zeros.length, [zeros]));
    await done(file.sync());
    await done(file.write(1_000_000, [text('here')]));
    expect(await done(file.size())).toBe(64 * 1024 * 1024);
    expect(shown(await done(file.read(1_000_000, 4)))).toBe('here');
  });

  it('copy what they are given when the write completes', async () => {
    const file = await done(disk.open('/data/f', 'create'));
    const bytes = text('abc');
    await done(file.write(0, [bytes]));
    bytes.fill(0);
    expect(shown(await done(file.read(0, 3)))).toBe('abc');
  });
});

describe('the lock of a directory', () => {
  it('has one owner until released', async () => {
    const lock = await done(disk.lockDirectory('/data'));
    expect(await kindOf(disk.lockDirectory('/data/'))).toBe('inUse');
    await done(lock.release());
    await done(lock.release());
    await done(disk.lockDirectory('/data'));
  });

  it('is released by any death of its owner', async () => {
    await done(disk.lockDirectory('/data'));
    host.crash();
    disk = host.restart().disk;
    await done(disk.lockDirectory('/data'));
  });
});

describe('faults on order', () => {
  it('fail the next operation of their kind and path, once', async () => {
    const file = await done(disk.open('/data/f', 'create'));
    host.disk.failNext({ operation: 'sync', kind: 'io', pathIncludes: 'other' });
    host.disk.failNext({ operation: 'write', kind: 'full' });
    expect(await kindOf(file.writeAndSync(0, [text('abc')]))).toBe('full');
    await done(file.writeAndSync(0, [text('abc')]));
    host.disk.clearFaults();
    host.disk.failNext({ operation: 'rename', kind: 'permission', times: 2 });
    expect(await kindOf(disk.rename('/data/f', '/data/g'))).toBe('permission');
    expect(await kindOf(disk.rename('/data/f', '/data/g'))).toBe('permission');
    await done(disk.rename('/data/f', '/data/g'));
  });

  it('a failed sync may take away anything since the last good one, and only that', async () => {
    const kept = new Set<string>();
    for (let round = 0; round < 60; round++) {
      const file = await done(disk.open(`/data/f${round}`, 'create'));
      await done(file.writeAndSync(0, [text('good')]));
      await done(file.write(4, [text('new!')]));
      host.disk.failNext({ operation: 'sync', kind: 'io' });
      expect(await kindOf(file.sync())).toBe('io');
      const content = shown(await done(file.read(0, 8)));
      expect(content.slice(0, 4)).toBe('good');
      kept.add(content);
    }
    expect(kept).toContain('good');
    expect(kept).toContain('goodnew!');
  });

  it('a full disk fails what needs room, writes what fits, and serves the rest', async () => {
    const file = await done(disk.open('/data/f', 'create'));
    await done(file.writeAndSync(0, [text('abcdef')]));
    host.disk.setCapacity(8);
    expect(await kindOf(file.write(6, [text('1234')]))).toBe('full');
    expect(await done(file.size())).toBe(8);
    await done(file.write(0, [text('ABCDEFGH')]));
    expect(await kindOf(disk.open('/data/g', 'create'))).toBe('full');
    expect(shown(await done(file.read(0, 9)))).toBe('ABCDEFGH');
    await done(file.truncate(2));
    await done(disk.open('/data/g', 'create'));
    await done(disk.remove('/data/f'));
    expect(host.disk.usedBytes).toBe(0);
  });

  it('a stalled disk answers nothing until it goes on; a slow one takes longer', async () => {
    const file = await done(disk.open('/data/f', 'create'));
    host.disk.stall(500);
    const startMs = world.nowMs;
    await done(file.writeAndSync(0, [text('abc')]));
    expect(world.nowMs - startMs).toBeGreaterThanOrEqual(500);
    host.disk.slow(1_000);
    const slowStartMs = world.nowMs;
    await done(file.sync());
    expect(world.nowMs - slowStartMs).toBeGreaterThanOrEqual(200);
  });

  it('counts what failed for want of space, and what failed on order', async () => {
    const file = await done(disk.open('/data/f', 'create'));
    host.disk.setCapacity(2);
    await expect(done(file.write(0, [text('abc')]))).rejects.toMatchObject({ kind: 'full' });
    host.disk.setCapacity(1_000);
    host.disk.failNext({ operation: 'sync', kind: 'io' });
    await expect(done(file.sync())).rejects.toMatchObject({ kind: 'io' });
    await expect(done(disk.open('/data/g', 'read'))).rejects.toMatchObject({ kind: 'notFound' });
    expect(host.disk.counters).toMatchObject({ fullFailures: 1, orderedFailures: 1 });
    // A process may live on without room.
    expect(host.disk.failures).toMatchObject([{ operation: 'sync', path: '/data/f' }]);
    host.crash();
    host.restart();
    expect(host.disk.failures).toEqual([]);
  });

  it('tells whether a power loss would lose anything', async () => {
    await done(disk.syncDirectory('/'));
    await done(disk.syncDirectory('/data'));
    const seen = [host.disk.hasUnsynced];
    const look = (): unknown => seen.push(host.disk.hasUnsynced);
    const file = await done(disk.open('/data/f', 'create'));
    look();
    await done(disk.syncDirectory('/data'));
    look();
    await done(file.write(0, [text('abc')]));
    look();
    await done(file.sync());
    look();
    expect(seen).toEqual([false, true, false, true, false]);
  });

  it('corruption changes what is durable', async () => {
    const file = await done(disk.open('/data/f', 'create'));
    await done(file.writeAndSync(0, [text('abcdef')]));
    host.disk.corrupt('/data/f', 2, 2);
    const content = shown(await done(file.read(0, 6)));
    expect(content).toMatch(/^ab[^c][^d]ef$/);
  });
});

describe('a disk and its host', () => {
  it('keeps all complete writes when only the process dies', async () => {
    const file = await done(disk.open('/data/f', 'create'));
    await done(file.write(0, [text('abc')]));
    host.crash();
    disk = host.restart().disk;
    const again = await done(disk.open('/data/f', 'read'));
    expect(shown(await done(again.read(0, 10)))).toBe('abc');
  });

  it('may still lose them to a power loss after the process was killed', async () => {
    const left = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const other = new VirtualWorld({ seed });
      const machine = other.host('a');
      const file = await other.complete(machine.env.disk.open('/f', 'create'));
      await other.complete(machine.env.disk.syncDirectory('/'));
      await other.complete(file.write(0, [text('abc')]));
      machine.crash();
      machine.crash({ powerLoss: true });
      left.add(shown(machine.disk.peek('/f')));
    }
    expect(left).toEqual(new Set(['', 'abc', '\0\0\0']));
  });

  it('is empty after a wipe, which needs the host down', async () => {
    expect(() => host.disk.wipe()).toThrow('while its host is down');
    host.crash();
    host.disk.wipe();
    disk = host.restart().disk;
    expect(await done(disk.list('/'))).toEqual([]);
  });

  it('leaves an operation in flight at a crash done, half done or not done', async () => {
    const lengths = new Set<number | undefined>();
    for (let seed = 0; seed < 40; seed++) {
      const other = new VirtualWorld({ seed });
      const machine = other.host('a');
      const file = await other.complete(machine.env.disk.open('/f', 'create'));
      let settled = false;
      const note = (): void => {
        settled = true;
      };
      file.write(0, [text('0123456789')]).then(note, note);
      machine.crash();
      await other.run({ forMs: 1_000 });
      expect(settled).toBe(false);
      lengths.add(machine.disk.peek('/f')?.length);
    }
    expect(lengths).toContain(0);
    expect(lengths).toContain(10);
    expect(lengths.size).toBeGreaterThan(3);
  });

  it('counts', async () => {
    const file = await done(disk.open('/data/f', 'create'));
    await done(file.writeAndSync(0, [text('abc')]));
    await done(disk.syncDirectory('/data'));
    await done(file.read(0, 1));
    const { writes, bytesWritten, reads, syncs, directorySyncs } = host.disk.counters;
    expect({ writes, bytesWritten, reads, syncs, directorySyncs }).toEqual({
      writes: 1,
      bytesWritten: 3,
      reads: 1,
      syncs: 1,
      directorySyncs: 1,
    });
  });
});
