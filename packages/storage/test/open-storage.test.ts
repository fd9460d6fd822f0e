import { crc32 } from 'node:zlib';
import type { PersistenceStrategy } from '@d-engine/base';
import { silentLogger } from '@d-engine/base';
import { describe, expect, it } from 'vitest';
import { DirectoryOfAnotherNode, StorageDamage, UnsupportedFormat } from '../src/storage-errors.ts';
import { CrashDisk } from './crash-disk.ts';
import { describeEntries, makeEntries, otherOwner, owner } from './fixtures.ts';
import { dataDirectory, openTestStorage, writeOf } from './storage-fixtures.ts';

const clusterId = 'c'.repeat(32);

describe('the first start', () => {
  it('makes identity, hard state and log, and all of it survives a power loss', async () => {
    const disk = new CrashDisk();
    const storage = await openTestStorage(disk);
    expect(storage.identity).toEqual({
      nodeId: 1,
      instanceId: owner,
      bootCount: 1,
      initialized: true,
      logMayLack: false,
      goneVoters: [],
      divergedAt: null,
      clusterId: null,
      clusterFormedAtMs: null,
      peers: new Map(),
    });
    expect(storage.recovered).toMatchObject({
      hardState: undefined,
      lastIndex: 0,
      everFormed: false,
      goneVoters: [],
    });
    const after = disk.restart({ type: 'lost' });
    expect(await after.list(dataDirectory)).toEqual([
      'hard-state',
      'identity.json',
      'log',
      'snapshots',
    ]);
    expect(await after.list(`${dataDirectory}/log`)).toContain('00000000000000000001.segment');
  });

  it('is counted, and so is each one after it, with the same instance', async () => {
    const disk = new CrashDisk();
    for (let bootCount = 1; bootCount <= 3; bootCount++) {
      const storage = await openTestStorage(disk, {
        newInstanceId: () => (bootCount === 1 ? owner : otherOwner),
      });
      expect(storage.identity).toMatchObject({ bootCount, instanceId: owner });
      await storage.close();
      expect(disk.openFiles).toBe(0);
    }
  });
});

describe('the run record', () => {
  /** A directory with one entry, whose last run had this strategy and ended so. */
  async function after(
    strategy: PersistenceStrategy,
    end: 'clean' | 'closed' | 'crash',
  ): Promise<CrashDisk> {
    const disk = new CrashDisk();
    const storage = await openTestStorage(disk, { strategy });
    await storage.write(writeOf({ writeId: 1, entries: makeEntries(1, 1, [9]) }));
    if (end === 'crash') return disk.restart({ type: 'lost' });
    await storage.close(end === 'clean');
    return disk;
  }

  it.each([
    ['DiskFirst', 'crash', false],
    ['MemFirst', 'crash', true],
    // A member that failed may have had more to write.
    ['MemFirst', 'closed', true],
    ['MemFirst', 'clean', false],
  ] as const)('after a run with %s that ended by %s: recovering %s', async (ran, end, expected) => {
    for (const next of ['DiskFirst', 'MemFirst'] as const) {
      const storage = await openTestStorage(await after(ran, end), { strategy: next });
      expect(storage.recovered.recovering).toBe(expected);
      await storage.close();
    }
  });

  it('stands until a run has recovered, through clean stops and other strategies', async () => {
    let disk = await after('MemFirst', 'crash');
    let storage = await openTestStorage(disk, { strategy: 'DiskFirst' });
    await storage.close(true);
    storage = await openTestStorage(disk, { strategy: 'DiskFirst' });
    expect(storage.recovered.recovering).toBe(true);
    await storage.recordRecovered();
    disk = disk.restart({ type: 'lost' });
    storage = await openTestStorage(disk, { strategy: 'MemFirst' });
    expect(storage.recovered.recovering).toBe(false);
    disk = disk.restart({ type: 'lost' });
    storage = await openTestStorage(disk, { strategy: 'MemFirst' });
    expect(storage.recovered.recovering).toBe(true);
    // What it holds again it may forget again.
    await storage.recordRecovered();
    disk = disk.restart({ type: 'lost' });
    expect((await openTestStorage(disk, { strategy: 'DiskFirst' })).recovered.recovering).toBe(
      true,
    );
  });

  it('says nothing of a directory in which no log ever began', async () => {
    const disk = new CrashDisk();
    await openTestStorage(disk, { strategy: 'MemFirst' });
    const storage = await openTestStorage(disk.restart({ type: 'lost' }), { strategy: 'MemFirst' });
    expect(storage.recovered.recovering).toBe(false);
  });
});

describe('a directory', () => {
  it('in use by another process is refused', async () => {
    const disk = new CrashDisk();
    const storage = await openTestStorage(disk);
    await expect(openTestStorage(disk)).rejects.toMatchObject({ name: 'DiskError', kind: 'inUse' });
    await storage.close();
    await openTestStorage(disk);
  });

  it('of another node is refused, untouched and unlocked', async () => {
    const disk = new CrashDisk();
    await (await openTestStorage(disk)).close();
    await expect(openTestStorage(disk, { nodeId: 2 })).rejects.toThrow(DirectoryOfAnotherNode);
    await expect(openTestStorage(disk, { nodeId: 2 })).rejects.toThrow(
      'belongs to node 1, not to node 2',
    );
    expect(disk.openFiles).toBe(0);
    expect((await openTestStorage(disk)).identity.bootCount).toBe(2);
  });

  it('with a damaged or newer identity is refused', async () => {
    const disk = new CrashDisk();
    await (await openTestStorage(disk)).close();
    const path = `${dataDirectory}/identity.json`;
    const text = disk.peek(path).toString();
    disk.poke(path, 0, Buffer.from(text.replace('"bootCount": 1', '"bootCount": 2')));
    await expect(openTestStorage(disk)).rejects.toThrow(StorageDamage);
    const newer = text.replace('"formatVersion": 1', '"formatVersion": 2');
    disk.poke(path, 0, Buffer.from(newer));
    await expect(openTestStorage(disk)).rejects.toThrow(StorageDamage);
    const { crc32: _, ...fields } = JSON.parse(newer) as Record<string, unknown>;
    const checksum = crc32(JSON.stringify(fields)).toString(16).padStart(8, '0');
    disk.poke(path, 0, Buffer.from(JSON.stringify({ ...fields, crc32: checksum }, null, 2)));
    await expect(openTestStorage(disk)).rejects.toThrow(UnsupportedFormat);
  });

  it('with a part missing is refused, with advice', async () => {
    for (const name of ['identity.json', 'hard-state', 'log/00000000000000000001.segment']) {
      const disk = new CrashDisk();
      await (await openTestStorage(disk)).close();
      await disk.remove(`${dataDirectory}/${name}`);
      const failure = await openTestStorage(disk).catch((error: unknown) => error);
      expect(failure).toMatchObject({ name: 'StorageDamage', file: `${dataDirectory}/${name}` });
      expect(String(failure)).toContain('missing');
    }
  });

  it('whose first start was cut short is made complete', async () => {
    for (let crashAt = 1; ; crashAt++) {
      const disk = new CrashDisk();
      disk.crashAt = crashAt;
      const opened = openTestStorage(disk).then(() => false);
      const crashed = await Promise.race([opened, disk.crashed.then(() => true)]);
      const storage = await openTestStorage(disk.restart({ type: 'kept' }), {
        newInstanceId: () => otherOwner,
      });
      expect(storage.identity.initialized).toBe(true);
      if (!crashed) break;
    }
  });
});

describe('write', () => {
  it('resolves in order when all of its parts and all writes before it are durable', async () => {
    const disk = new CrashDisk();
    const storage = await openTestStorage(disk);
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    // The hard state is slow, the log is not.
    disk.beforeChange = (_, path) => (path.includes('hard-state') ? gate : Promise.resolve());
    const order: number[] = [];
    const hardState = { term: 1, votedFor: null, stickinessMs: 0 };
    const writes = [
      storage.write(writeOf({ writeId: 1, hardState })).then(() => order.push(1)),
      storage
        .write(writeOf({ writeId: 2, entries: makeEntries(1, 1, [5]) }))
        .then(() => order.push(2)),
      storage.write(writeOf({ writeId: 3 })).then(() => order.push(3)),
    ];
    for (let turn = 0; turn < 200; turn++) await null;
    expect(order).toEqual([]);
    release();
    await Promise.all(writes);
    expect(order).toEqual([1, 2, 3]);
    await storage.write(writeOf({ writeId: 4 }));
  });

  it('fails with its part, and so does every write after it', async () => {
    const disk = new CrashDisk();
    const storage = await openTestStorage(disk);
    disk.addFault({ operation: 'sync', kind: 'io', pathIncludes: 'hard-state' });
    const hardState = { term: 1, votedFor: null, stickinessMs: 0 };
    const entries = makeEntries(1, 1, [5]);
    const writes = [
      writeOf({ writeId: 1, hardState }),
      writeOf({ writeId: 2, entries }),
      writeOf({ writeId: 3 }),
    ];
    const failures = await Promise.all(
      writes.map((write) => storage.write(write).catch((error: unknown) => error)),
    );
    expect(failures[0]).toMatchObject({ kind: 'io' });
    expect(failures[1]).toBe(failures[0]);
    expect(failures[2]).toBe(failures[0]);
    await storage.close();
    await openTestStorage(disk);
  });

  it('comes back from recovery', async () => {
    const disk = new CrashDisk();
    const storage = await openTestStorage(disk);
    const vote = { nodeId: 2, instanceId: otherOwner };
    const hardState = { term: 1, votedFor: vote, stickinessMs: 7 };
    const entries = makeEntries(1, 1, [5, 6]);
    await storage.write(writeOf({ writeId: 1, hardState, entries }));
    const second = await openTestStorage(disk.restart({ type: 'lost' }));
    expect(second.recovered).toMatchObject({ hardState, lastIndex: 2 });
    const read = await second.readEntries(1, 2, 1000);
    expect(describeEntries(read)).toEqual(describeEntries(entries));
  });

  it('of a log whose term was lost raises the term without a vote', async () => {
    const disk = new CrashDisk();
    const storage = await openTestStorage(disk);
    const vote = { nodeId: 2, instanceId: otherOwner };
    const hardState = { term: 1, votedFor: vote, stickinessMs: 7 };
    await storage.write(writeOf({ writeId: 1, hardState, entries: makeEntries(1, 4, [5]) }));
    const after = await openTestStorage(disk.restart({ type: 'lost' }));
    expect(after.recovered.hardState).toEqual({ term: 4, votedFor: null, stickinessMs: 7 });
  });
});

describe('identity', () => {
  it('remembers the cluster and the newest start of each peer', async () => {
    const disk = new CrashDisk();
    const storage = await openTestStorage(disk);
    const { sync } = disk.counts;
    await Promise.all([
      storage.recordPeer(2, otherOwner, 1),
      storage.recordPeer(3, otherOwner, 4),
      storage.recordPeer(2, otherOwner, 2),
      storage.recordCluster(clusterId, 99),
    ]);
    // One write for the first call and one for all that came meanwhile, at most.
    expect(disk.counts.sync - sync).toBeLessThanOrEqual(2);
    await storage.recordPeer(2, otherOwner, 2);
    await storage.recordCluster(clusterId, 99);
    expect(disk.counts.sync - sync).toBeLessThanOrEqual(2);
    const after = await openTestStorage(disk.restart({ type: 'lost' }));
    expect(after.identity).toMatchObject({ clusterId, clusterFormedAtMs: 99 });
    expect(after.identity.peers).toEqual(
      new Map([
        [2, { instanceId: otherOwner, bootCount: 2 }],
        [3, { instanceId: otherOwner, bootCount: 4 }],
      ]),
    );
    expect(after.recovered.everFormed).toBe(true);
  });

  it('never changes its cluster and never takes an older start for news', async () => {
    const storage = await openTestStorage(new CrashDisk());
    await storage.recordCluster(clusterId, 99);
    await storage.recordPeer(2, otherOwner, 5);
    expect(() => storage.recordCluster('d'.repeat(32), 1)).toThrow('cannot become');
    expect(() => storage.recordPeer(2, otherOwner, 4)).toThrow('goes back');
    await storage.recordPeer(2, owner, 1);
    expect(storage.identity.peers.get(2)).toEqual({ instanceId: owner, bootCount: 1 });
  });

  it('goes on without room, keeps the old file, and is written once there is room', async () => {
    const disk = new CrashDisk();
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (line: string) => warnings.push(line) };
    const storage = await openTestStorage(disk, { logger });
    await storage.recordPeer(2, otherOwner, 1);
    disk.capacityBytes = disk.usedBytes();
    const noRoom = { name: 'DiskError', kind: 'full' };
    expect(await storage.recordPeer(2, otherOwner, 2)).toMatchObject(noRoom);
    expect(await storage.recordPeer(2, otherOwner, 2)).toMatchObject(noRoom);
    expect(await storage.recordCluster(clusterId, 99)).toMatchObject(noRoom);
    await storage.idle();
    expect(storage.spaceProblem).toMatchObject(noRoom);
    // Whoever asks hears of the newest start, also before it is on disk.
    expect(storage.identity.peers.get(2)?.bootCount).toBe(2);
    const names = ['hard-state', 'identity.json', 'log', 'snapshots'];
    expect(await disk.list(dataDirectory)).toEqual(names);
    expect(warnings.filter((line) => line.startsWith('Identity: no room'))).toHaveLength(1);

    disk.capacityBytes = Number.POSITIVE_INFINITY;
    await storage.idle();
    expect(storage.spaceProblem).toBeUndefined();
    expect(warnings.at(-1)).toContain('there is room again');
    expect(await storage.recordPeer(2, otherOwner, 2)).toBeUndefined();
    const after = await openTestStorage(disk.restart({ type: 'lost' }));
    expect(after.identity).toMatchObject({ clusterId, clusterFormedAtMs: 99 });
    expect(after.identity.peers.get(2)?.bootCount).toBe(2);
  });

  it('that had no room is as it was after a crash', async () => {
    const disk = new CrashDisk();
    const storage = await openTestStorage(disk);
    await storage.recordPeer(2, otherOwner, 1);
    disk.capacityBytes = disk.usedBytes();
    await storage.recordPeer(2, otherOwner, 2);
    const next = disk.restart({ type: 'process' });
    next.capacityBytes = Number.POSITIVE_INFINITY;
    const after = await openTestStorage(next);
    expect(after.identity.peers.get(2)?.bootCount).toBe(1);
    expect(after.identity.bootCount).toBe(2);
  });

  it('fails for good when a sync says that there is no room', async () => {
    const disk = new CrashDisk();
    const storage = await openTestStorage(disk);
    const { rename } = disk.counts;
    disk.addFault({ operation: 'sync', kind: 'full', pathIncludes: 'identity' });
    await expect(storage.recordPeer(2, otherOwner, 1)).rejects.toMatchObject({ kind: 'full' });
    await expect(storage.recordPeer(2, otherOwner, 1)).rejects.toMatchObject({ kind: 'full' });
    expect(disk.counts.rename).toBe(rename);
    await storage.close();
  });

  it('fails for good after the first failure', async () => {
    const disk = new CrashDisk();
    const storage = await openTestStorage(disk);
    disk.addFault({ operation: 'rename', kind: 'io' });
    await expect(storage.recordPeer(2, otherOwner, 1)).rejects.toMatchObject({ kind: 'io' });
    await expect(storage.recordPeer(2, otherOwner, 2)).rejects.toMatchObject({ kind: 'io' });
    await storage.close();
  });
});
