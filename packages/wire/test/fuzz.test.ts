import { MalformedEntry, MalformedMessage } from '@d-engine/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeClientWriteRequest, encodeClientWriteRequest } from '../src/index.ts';
import { messageSpecs } from './all-specs.ts';
import type { MessageSpec } from './message-specs.ts';

const runs = 10_000;

const writeRequest: MessageSpec = {
  name: 'ClientWriteRequest',
  arbitrary: fc
    .uint8Array({ maxLength: 40 })
    .map((command) => ({ ours: { clientId: 1, command }, theirs: {} })),
  encode: encodeClientWriteRequest,
  decode: decodeClientWriteRequest,
};

function decodesOrIsMalformed(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): boolean {
  try {
    decode(bytes);
    return true;
  } catch (error) {
    if (error instanceof MalformedMessage || error instanceof MalformedEntry) return false;
    throw error;
  }
}

/** A valid message with some bytes changed, cut off or put in. */
const mutated = (spec: MessageSpec): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(
      spec.arbitrary,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      fc.nat(),
      fc.uint8Array({ maxLength: 12 }),
    )
    .map(([{ ours }, changes, cut, inserted]) => {
      const bytes = Buffer.from(spec.encode(ours as never));
      for (const [place, value] of changes) {
        if (bytes.length > 0) bytes[place % bytes.length] = value;
      }
      const at = cut % (bytes.length + 1);
      const tail = cut % 3 === 0 ? bytes.subarray(at) : Buffer.alloc(0);
      return Buffer.concat([bytes.subarray(0, at), inserted, tail]);
    });

describe.each(
  [...messageSpecs, writeRequest].map((spec, i) => [`${spec.name} #${i}`, spec] as const),
)('no input but a message gets past the decoder of %s', (_, spec) => {
  test('random and mutated bytes', { timeout: 60_000 }, () => {
    const input = fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated(spec));
    fc.assert(
      fc.property(input, (bytes) => {
        decodesOrIsMalformed(spec.decode, bytes);
      }),
      { numRuns: runs },
    );
  });

  test('a valid message, cut anywhere', () => {
    fc.assert(
      fc.property(spec.arbitrary, ({ ours }) => {
        const bytes = spec.encode(ours as never);
        expect(decodesOrIsMalformed(spec.decode, bytes)).toBe(true);
        for (let end = 0; end < bytes.length; end++) {
          decodesOrIsMalformed(spec.decode, bytes.subarray(0, end));
        }
      }),
    );
  });
});
