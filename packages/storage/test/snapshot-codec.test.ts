import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SnapshotHeader, SnapshotSection } from '../src/snapshot-format.ts';
import { snapshotSectionKinds } from '../src/snapshot-format.ts';
import { fileHeaderBytes } from '../src/snapshots/file-header.ts';
import { SnapshotEncoder } from '../src/snapshots/snapshot-encoder.ts';
import { readInfo, readSections, verifyFile } from '../src/snapshots/snapshot-reading.ts';
import { MalformedRun, readRun, runRecordBytes } from '../src/state/data-run.ts';
import { StorageDamage, UnsupportedFormat } from '../src/storage-errors.ts';
import { CrashDisk } from './crash-disk.ts';
import {
  collectSections,
  testCompute as compute,
  runOf,
  snapshotHeader,
  snapshotSections,
  withFile,
} from './snapshot-fixtures.ts';

const path = '/file';

async function encode(
  header: SnapshotHeader,
  sections: readonly SnapshotSection[],
  compress = false,
): Promise<Buffer> {
  const encoder = new SnapshotEncoder(header, { compute, compress });
  const chunks = encoder.start();
  for (const section of sections) chunks.push(...(await encoder.section(section)));
  return Buffer.concat([...chunks, ...encoder.end()]);
}

async function diskWith(bytes: Uint8Array): Promise<CrashDisk> {
  const disk = new CrashDisk();
  const file = await disk.open(path, 'create');
  await file.write(0, [bytes]);
  await file.close();
  return disk;
}

async function decode(bytes: Uint8Array): Promise<SnapshotSection[]> {
  const disk = await diskWith(bytes);
  return withFile(disk, path, (file) => collectSections(readSections({ file, path, compute })));
}

const count = fc.nat({ max: 1000 });
const exact = fc.maxSafeNat();
const blob = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
const record = fc.record({
  key: blob,
  value: blob,
  createRevision: exact,
  expiresAt: fc.oneof(fc.constant(0), exact),
  lease: fc.oneof(fc.constant(0), exact),
  modRevision: exact,
  version: exact,
});
const hexId = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));
const member = fc.record({
  id: exact.filter((id) => id > 0),
  address: fc.string(),
  role: fc.constantFrom('voter' as const, 'learner' as const),
  promotable: fc.boolean(),
});
const configuration = fc.record({
  kind: fc.constant(snapshotSectionKinds.configuration),
  configuration: fc.record({
    voters: fc.array(count),
    outgoingVoters: fc.array(count),
    learners: fc.array(count),
    nextLearners: fc.array(count),
    autoLeave: fc.boolean(),
    members: fc.array(member),
  }),
  configurationIndex: exact,
  bindings: fc.array(fc.record({ nodeId: count, instanceId: hexId, index: exact })),
});
const history = fc.record({
  kind: fc.constant(snapshotSectionKinds.history),
  historyId: fc.option(hexId),
  revisionBase: exact,
  stateHash: fc.string(),
});
const clusterTime = fc.record({
  kind: fc.constant(snapshotSectionKinds.clusterTime),
  clusterTimeMs: exact,
});
const data = fc.array(record, { maxLength: 5 }).map((records) => ({
  kind: snapshotSectionKinds.data,
  keyCount: records.length,
  run: Buffer.from(runOf(records)),
}));
const sessions = fc.record({
  kind: fc.constant(snapshotSectionKinds.sessions),
  records: fc.array(
    fc.oneof(
      fc.record({
        type: fc.constant('session' as const),
        id: exact,
        name: fc.string(),
        ttlMs: exact,
        expiresAtMs: exact,
        lowestUnacknowledged: exact,
      }),
      fc.record({
        type: fc.constant('result' as const),
        sequence: exact,
        digestLow: exact,
        digestHigh: exact,
        result: fc.uint8Array({ maxLength: 20 }),
      }),
    ),
    { maxLength: 4 },
  ),
});
const leases = fc.record({
  kind: fc.constant(snapshotSectionKinds.leases),
  leases: fc.array(fc.record({ id: exact, ttlMs: exact, expiresAtMs: exact }), { maxLength: 4 }),
});
const header = fc.record({ clusterId: hexId, formedAtWallMs: exact, index: exact, term: exact });

describe('the file of a snapshot', () => {
  it('holds what was written, whatever it is, packed or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        header,
        fc.tuple(configuration, history, clusterTime),
        fc.tuple(
          fc.array(sessions, { maxLength: 2 }),
          fc.array(leases, { maxLength: 2 }),
          fc.array(data, { maxLength: 4 }),
        ),
        fc.boolean(),
        async (head, [who, which, when], [open, granted, runs], compress) => {
          const sections: SnapshotSection[] = [who, which, when, ...open, ...granted, ...runs];
          const bytes = await encode(head, sections, compress);
          expect(await decode(bytes)).toEqual(sections);
          const disk = await diskWith(bytes);
          const read = (what: typeof readInfo): ReturnType<typeof readInfo> =>
            withFile(disk, path, (file) => what({ file, path, compute }));
          const info = await read(readInfo);
          expect(info).toMatchObject({ header: head, configuration: who, history: which });
          expect(info.clusterTime).toEqual(when);
          expect(info.keyCount).toBe(runs.reduce((sum, run) => sum + run.keyCount, 0));
          expect(info.lengthBytes).toBe(bytes.length);
          expect(await read(verifyFile)).toEqual(info);
        },
      ),
    );
  });

  it('gets smaller with gzip', async () => {
    const sections = snapshotSections('again and again ');
    const plain = await encode(snapshotHeader(9), sections);
    const packed = await encode(snapshotHeader(9), sections, true);
    expect(packed.length).toBeLessThan(plain.length - 400);
    expect(await decode(packed)).toEqual(await decode(plain));
  });

  it('is refused with a place in it when any bit of it flips', async () => {
    for (const compress of [false, true]) {
      const bytes = await encode(snapshotHeader(9), snapshotSections('text', 1), compress);
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const error: unknown = await decode(flipped).then(
          () => `bit ${bit} was not missed`,
          (reason: unknown) => reason,
        );
        if (!(error instanceof StorageDamage)) throw error;
        expect(error.file).toBe(path);
        // Never after the section that holds the bit.
        expect(error.offset).toBeLessThanOrEqual(bit >> 3);
      }
    }
  });

  it('is refused when it is cut anywhere or longer than it says', async () => {
    const bytes = await encode(snapshotHeader(9), snapshotSections('text', 1));
    for (let length = 0; length < bytes.length; length++) {
      await expect(decode(bytes.subarray(0, length))).rejects.toThrow(StorageDamage);
      const disk = await diskWith(bytes.subarray(0, length));
      const info = withFile(disk, path, (file) => readInfo({ file, path, compute }));
      await expect(info).rejects.toThrow(StorageDamage);
    }
    const longer = Buffer.concat([bytes, Buffer.alloc(40)]);
    await expect(decode(longer)).rejects.toThrow('its end is not where the file ends');
  });

  it('is refused when sections stand in the wrong place, its own or not', async () => {
    const one = await encode(snapshotHeader(9), snapshotSections('text', 3));
    const other = await encode(snapshotHeader(10), snapshotSections('text', 3));
    const mixed = Buffer.concat([one.subarray(0, 64), other.subarray(64)]);
    await expect(decode(mixed)).rejects.toThrow('header does not match its checksum');
    const places = placesOf(one);
    const [third, fourth, fifth] = places.slice(3);
    if (third === undefined || fourth === undefined || fifth === undefined) throw new Error('few');
    const swapped = Buffer.concat([
      one.subarray(0, third),
      one.subarray(fourth, fifth),
      one.subarray(third, fourth),
      one.subarray(fifth),
    ]);
    await expect(decode(swapped)).rejects.toThrow('not in its place');
    const dropped = Buffer.concat([one.subarray(0, third), one.subarray(fourth)]);
    await expect(decode(dropped)).rejects.toThrow('not in its place');
  });

  it('of a newer release is refused as such', async () => {
    const bytes = await encode(snapshotHeader(9), snapshotSections('text', 1));
    const header = (offset: number): Buffer => {
      const changed = Buffer.from(bytes);
      changed[offset] = 8;
      changed.writeUInt32LE(crc32(changed.subarray(0, 60)), 60);
      return changed;
    };
    const seed = bytes.readUInt32LE(60);
    const section = (offset: number): Buffer => {
      const changed = Buffer.from(bytes);
      changed[fileHeaderBytes + offset] = 8;
      const covered = changed.subarray(fileHeaderBytes, fileHeaderBytes + 28);
      changed.writeUInt32LE(crc32(covered, seed), fileHeaderBytes + 28);
      return changed;
    };
    const newer = [header(8), header(12), section(0), section(2), section(4)];
    const messages = await Promise.all(
      newer.map((file) => decode(file).then(String, (error: unknown) => String(error))),
    );
    for (const message of messages) expect(message).toContain('this release does not know');
    for (const file of newer) await expect(decode(file)).rejects.toThrow(UnsupportedFormat);
    expect(messages[0]).toContain('format version 8');
    expect(messages[2]).toContain('a section of kind 8, version 1, flags 0 at byte 64');
  });

  it('unpacks no more than a section says', async () => {
    const bytes = await encode(snapshotHeader(9), snapshotSections('a'.repeat(500), 1), true);
    const at = placesOf(bytes)[3] ?? 0;
    const changed = Buffer.from(bytes);
    changed.writeUInt32LE(100, at + 16);
    const seed = bytes.readUInt32LE(60);
    changed.writeUInt32LE(crc32(changed.subarray(at, at + 28), seed), at + 28);
    await expect(decode(changed)).rejects.toThrow('cannot be unpacked');
  });

  it('is not made of sections out of their order', async () => {
    const sections = snapshotSections('text');
    const wrong = [sections.slice(1), sections.slice(0, 2), [...sections, ...sections]];
    for (const each of wrong) {
      await expect(encode(snapshotHeader(9), each)).rejects.toThrow(/order|without all/);
    }
  });
});

/** Where each section begins. */
function placesOf(bytes: Buffer): number[] {
  const places: number[] = [];
  for (let at = fileHeaderBytes; at < bytes.length; at += 32 + bytes.readUInt32LE(at + 12)) {
    places.push(at);
  }
  return places;
}

describe('a run of keys', () => {
  it('gives back its records, and refuses to be cut anywhere', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 6 }), fc.nat(), (records, seed) => {
        const run = runOf(records);
        expect([...readRun(run)]).toEqual(records);
        const ends = new Set<number>();
        let end = 0;
        for (const each of records) {
          end += runRecordBytes(each);
          ends.add(end);
        }
        const cut = seed % run.length;
        if (cut === 0 || ends.has(cut)) return;
        expect(() => [...readRun(run.subarray(0, cut))]).toThrow(MalformedRun);
      }),
    );
  });

  it('refuses flags and numbers that it does not know', () => {
    const one = { key: Buffer.from('k'), value: Buffer.from('v'), version: 1 };
    const record = { ...one, createRevision: 1, modRevision: 1, expiresAt: 0, lease: 0 };
    const run = Buffer.from(runOf([record]));
    const flagged = Buffer.from(run);
    flagged[8] = 2;
    expect(() => [...readRun(flagged)]).toThrow('flags 2 at 0 are not known');
    const large = Buffer.from(run);
    large[19] = 0xff;
    expect(() => [...readRun(large)]).toThrow('too large');
  });
});
