import { type Entry, encodeEntries, type SessionStamp } from '@d-engine/base';
import fc from 'fast-check';

export const exact: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(0, 1, 127, 128, 2 ** 31, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER),
  fc.maxSafeNat(),
);
export const uint32: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(0, 1, 2 ** 32 - 1),
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
);
export const bytes: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 300 });
export const text: fc.Arbitrary<string> = fc.string({ unit: 'binary', maxLength: 40 });
export const session: fc.Arbitrary<SessionStamp> = fc.record({
  session: exact,
  sequence: exact,
  lowestUnacknowledged: exact,
});

/** Consecutive entries after a random index, in one or several buffers. */
export const entryRun: fc.Arbitrary<{ prevLogIndex: number; entries: Entry[] }> = fc
  .record({
    prevLogIndex: fc.integer({ min: 0, max: 2 ** 40 }),
    batches: fc.array(fc.array(bytes, { maxLength: 5 }), { maxLength: 4 }),
  })
  .map(({ prevLogIndex, batches }) => {
    const entries: Entry[] = [];
    for (const payloads of batches) {
      const proposals = payloads.map((payload) => ({ kind: 4, payload }) as const);
      const next = prevLogIndex + entries.length + 1;
      if (proposals.length > 0) entries.push(...encodeEntries(proposals, next, 3, 1_700_000));
    }
    return { prevLogIndex, entries };
  });
