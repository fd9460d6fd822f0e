import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Proposal } from './entry.ts';
import {
  decodeEntries,
  encodeEntries,
  entryBytes,
  entryKinds,
  entryPayload,
  MalformedEntry,
} from './entry.ts';

const exact = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const stamp = fc.record({ session: exact, sequence: exact, lowestUnacknowledged: exact });
const proposal: fc.Arbitrary<Proposal> = fc.record({
  kind: fc.constantFrom(...Object.values(entryKinds)),
  payload: fc.uint8Array({ maxLength: 300 }),
  session: fc.option(stamp, { nil: undefined }),
});

function joined(entries: readonly { encoded: Uint8Array }[]): Buffer {
  return Buffer.concat(entries.map((entry) => entry.encoded));
}

describe('entry codec', () => {
  test('what is encoded is decoded', () => {
    const index = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 100 });
    fc.assert(
      fc.property(
        fc.array(proposal, { maxLength: 8 }),
        index,
        exact,
        exact,
        (batch, first, term, time) => {
          const entries = encodeEntries(batch, first, term, time);
          const decoded = decodeEntries(joined(entries));
          expect(decoded.length).toBe(batch.length);
          for (const [position, entry] of decoded.entries()) {
            const source = batch[position] as Proposal;
            expect(entry).toMatchObject({ index: first + position, term, clusterTimeMs: time });
            expect(entry.kind).toBe(source.kind);
            expect(entry.session).toEqual(source.session);
            expect(Buffer.from(entryPayload(entry))).toEqual(Buffer.from(source.payload));
            expect(entry.encoded.length).toBe(entryBytes(source));
          }
        },
      ),
    );
  });

  test('a cut encoding is refused, never read beyond', () => {
    const entry = encodeEntries(
      [{ kind: entryKinds.command, payload: Buffer.from('abc') }],
      7,
      2,
      9,
    );
    const bytes = joined(entry);
    for (let length = 1; length < bytes.length; length++) {
      expect(() => decodeEntries(bytes.subarray(0, length))).toThrow(MalformedEntry);
    }
  });

  test('an unknown format, kind or flag is refused with what to do', () => {
    const [entry] = encodeEntries([{ kind: entryKinds.noop, payload: new Uint8Array(0) }], 1, 1, 0);
    const changed = (offset: number, value: number): Buffer => {
      const bytes = Buffer.from(entry?.encoded ?? []);
      bytes[offset] = value;
      return bytes;
    };
    expect(() => decodeEntries(changed(4, 9))).toThrow('upgrade this node');
    expect(() => decodeEntries(changed(5, 200))).toThrow('upgrade this node');
    expect(() => decodeEntries(changed(6, 2))).toThrow('flags');
  });

  test('random bytes throw nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          decodeEntries(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedEntry);
        }
      }),
    );
  });
});
