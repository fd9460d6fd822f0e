import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HardStateSlot } from '../src/hard-state-slot.ts';
import {
  decodeHardStateSlot,
  encodeHardStateSlot,
  hardStateSlotBytes,
} from '../src/hard-state-slot.ts';
import type { Identity } from '../src/identity.ts';
import { decodeIdentity, encodeIdentity } from '../src/identity-codec.ts';
import type { RecordHeader } from '../src/record-header.ts';
import {
  decodeRecordHeader,
  encodeRecordHeader,
  recordHeaderBytes,
  recordSeed,
} from '../src/record-header.ts';
import type { SegmentHeader } from '../src/segment-header.ts';
import {
  decodeSegmentStart,
  encodeSegmentHeader,
  segmentHeaderBytes,
} from '../src/segment-header.ts';
import { StorageDamage, UnsupportedFormat } from '../src/storage-errors.ts';
import { otherOwner, owner } from './fixtures.ts';

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const count = fc.integer({ min: 1, max: 2 ** 32 - 1 });
const exact = fc.maxSafeNat();
const id = fc
  .array(fc.integer({ min: 0, max: 15 }), { minLength: 32, maxLength: 32 })
  .map((digits) => digits.map((digit) => digit.toString(16)).join(''));

const recordHeader: fc.Arbitrary<RecordHeader> = fc.record({
  segmentId: uint32,
  bodyBytes: fc.integer({ min: 0, max: 2 ** 31 }),
  bodyCrc: uint32,
  entryCount: uint32,
  sequence: exact,
  firstIndex: exact,
  removes: fc.constantFrom('nothing', 'suffix', 'everything'),
  previousTerm: exact,
  commitIndex: exact,
  durable: fc.record({ segmentId: uint32, offset: uint32 }),
});

const segmentHeader: fc.Arbitrary<SegmentHeader> = fc.record({
  segmentId: uint32,
  firstIndex: exact,
  previousTerm: exact,
  firstSequence: exact,
  owner: id,
  capacity: uint32,
});

const hardStateSlot: fc.Arbitrary<HardStateSlot> = fc.record({
  sequence: exact,
  owner: id,
  state: fc.record({
    term: exact,
    votedFor: fc.option(fc.record({ nodeId: count, instanceId: id })),
    stickinessMs: fc.double({ min: 0, max: 1e9, noNaN: true }).map((value) => value + 0),
  }),
});

const peer = fc.record({ instanceId: id, bootCount: count });
const identity: fc.Arbitrary<Identity> = fc
  .record({
    nodeId: count,
    instanceId: id,
    bootCount: count,
    initialized: fc.boolean(),
    logMayLack: fc.boolean(),
    goneVoters: fc.array(count, { maxLength: 3 }),
    divergedAt: fc.option(count),
    cluster: fc.option(fc.record({ clusterId: id, formedAtMs: exact })),
    peers: fc.array(fc.tuple(count, peer), { maxLength: 5 }),
  })
  .map(({ cluster, peers, ...own }) => ({
    ...own,
    clusterId: cluster?.clusterId ?? null,
    clusterFormedAtMs: cluster?.formedAtMs ?? null,
    peers: new Map(peers),
  }));

/** Every single flipped bit of `bytes`, one after another. */
function forEachFlip(bytes: Uint8Array, check: (flipped: Buffer, bit: number) => void): void {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    check(flipped, bit);
  }
}

function forEachCut(bytes: Uint8Array, check: (cut: Buffer) => void): void {
  for (let length = 0; length < bytes.length; length++)
    check(Buffer.from(bytes.subarray(0, length)));
}

function encodedRecord(header: RecordHeader): Buffer {
  const bytes = Buffer.alloc(recordHeaderBytes);
  encodeRecordHeader(bytes, header, recordSeed(owner, header.segmentId));
  return bytes;
}

describe('record header', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(recordHeader, (header) => {
        const seed = recordSeed(owner, header.segmentId);
        expect(decodeRecordHeader(encodedRecord(header), 0, seed)).toEqual(header);
      }),
    );
  });

  it('is refused with any bit flipped, cut short, or in another directory or segment', () => {
    fc.assert(
      fc.property(recordHeader, (header) => {
        const bytes = encodedRecord(header);
        const seed = recordSeed(owner, header.segmentId);
        const refused = (changed: Buffer): void =>
          expect(decodeRecordHeader(changed, 0, seed)).toBe(undefined);
        forEachFlip(bytes, refused);
        forEachCut(bytes, refused);
        const otherSeeds = [
          recordSeed(otherOwner, header.segmentId),
          recordSeed(owner, header.segmentId ^ 1),
        ];
        for (const other of otherSeeds) expect(decodeRecordHeader(bytes, 0, other)).toBe(undefined);
      }),
      { numRuns: 20 },
    );
  });
});

describe('segment header', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(segmentHeader, (header) => {
        expect(decodeSegmentStart(encodeSegmentHeader(header))).toEqual({ type: 'header', header });
      }),
    );
  });

  it('is refused with any bit flipped or cut short', () => {
    fc.assert(
      fc.property(segmentHeader, (header) => {
        const bytes = encodeSegmentHeader(header);
        forEachFlip(bytes, (flipped) => expect(decodeSegmentStart(flipped).type).toBe('damaged'));
        forEachCut(bytes, (cut) => expect(decodeSegmentStart(cut).type).toBe('damaged'));
      }),
      { numRuns: 20 },
    );
  });

  it('of another version is told from one whose version went bad', () => {
    const header = { segmentId: 1, firstIndex: 1, previousTerm: 0, firstSequence: 1 };
    const bytes = encodeSegmentHeader({ ...header, owner, capacity: 4096 });
    bytes.writeUInt32LE(2, 8);
    expect(decodeSegmentStart(bytes)).toEqual({ type: 'damaged' });
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60);
    expect(decodeSegmentStart(bytes)).toEqual({ type: 'unsupported', version: 2 });
    expect(decodeSegmentStart(Buffer.alloc(segmentHeaderBytes))).toEqual({ type: 'unused' });
  });
});

describe('hard state slot', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(hardStateSlot, (slot) => {
        expect(decodeHardStateSlot(encodeHardStateSlot(slot))).toEqual({ type: 'valid', slot });
      }),
    );
  });

  it('is refused with any bit flipped or cut short', () => {
    fc.assert(
      fc.property(hardStateSlot, (slot) => {
        const bytes = encodeHardStateSlot(slot);
        expect(bytes.length).toBe(hardStateSlotBytes);
        const refused = (changed: Buffer): void =>
          expect(decodeHardStateSlot(changed).type).toBe('damaged');
        forEachFlip(bytes, refused);
        forEachCut(bytes, refused);
      }),
      { numRuns: 20 },
    );
  });
});

describe('identity', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(identity, (value) => {
        expect(decodeIdentity(encodeIdentity(value), 'identity.json')).toEqual(value);
      }),
    );
  });

  it('is refused with any bit flipped or cut short', () => {
    fc.assert(
      fc.property(identity, (value) => {
        const bytes = encodeIdentity(value);
        const refused = (changed: Buffer): void => {
          try {
            decodeIdentity(changed, 'identity.json');
          } catch (error) {
            expect(error).toBeInstanceOf(StorageDamage);
            return;
          }
          throw new Error(`accepted ${changed.toString()}`);
        };
        forEachFlip(bytes, refused);
        forEachCut(bytes, refused);
      }),
      { numRuns: 3 },
    );
  });

  it('of another version names the version', () => {
    const fields = { formatVersion: 9, whatever: true };
    const checksum = crc32(JSON.stringify(fields)).toString(16).padStart(8, '0');
    const decode = (content: object) => () =>
      decodeIdentity(Buffer.from(JSON.stringify(content)), 'identity.json');
    expect(decode({ ...fields, crc32: checksum })).toThrow(UnsupportedFormat);
    expect(decode({ ...fields, whatever: false, crc32: checksum })).toThrow(StorageDamage);
  });
});
