import { encodeWriteCommand, MalformedMessage, type WriteCommand } from '@d-engine/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scaled } from '../../../tools/test-scale.ts';
import { decodeClientWriteRequest, encodeClientWriteRequest } from '../src/index.ts';
import { messageSpecs } from './all-specs.ts';
import { bytes, session, uint32 } from './arbitraries.ts';
import type { MessageSpec } from './message-specs.ts';
import { comparable, decodeTheirs, encodeTheirs, withLargeNumbers } from './protobuf-oracle.ts';

/** Whatever carries keys and values, which are coded for every operation. */
const hotNames = ['ClientReadRequest', 'ClientResponse'].map((name) => `d_engine.client.${name}`);
const hotRuns = scaled({ gate: 300, long: 100_000 });
const runsOf = ({ name, plane }: MessageSpec): number =>
  hotNames.includes(name) || plane === 'data' ? hotRuns : scaled({ gate: 100, long: 5_000 });
const timeoutMs = scaled({ gate: 30_000, long: 1_800_000 });

describe.each(messageSpecs.map((spec, index) => [`${spec.name} #${index}`, spec] as const))(
  '%s',
  (_, spec) => {
    test(
      'our encoding is theirs, byte for byte',
      () => {
        fc.assert(
          fc.property(spec.arbitrary, ({ ours, theirs }) => {
            const encoded = spec.encode(ours as never);
            expect(Buffer.from(encoded).toString('hex')).toBe(
              Buffer.from(encodeTheirs(spec.name, theirs)).toString('hex'),
            );
          }),
          { numRuns: runsOf(spec) },
        );
      },
      timeoutMs,
    );

    test(
      'we decode theirs, and they decode ours',
      () => {
        fc.assert(
          fc.property(spec.arbitrary, ({ ours, theirs }) => {
            const decoded = comparable(spec.decode(encodeTheirs(spec.name, theirs)));
            expect(decoded).toEqual(comparable(ours));
            const reencoded = decodeTheirs(spec.name, spec.encode(ours as never));
            const expected = decodeTheirs(spec.name, encodeTheirs(spec.name, theirs));
            expect(comparable(reencoded)).toEqual(comparable(expected));
          }),
          { numRuns: runsOf(spec) },
        );
      },
      timeoutMs,
    );

    test(
      'numbers from 2^53 on, which we cannot hold exactly, are refused',
      () => {
        const large = fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n });
        fc.assert(
          fc.property(spec.arbitrary, large, ({ theirs }, number) => {
            for (const variant of withLargeNumbers(spec.name, theirs, number)) {
              expect(() => spec.decode(encodeTheirs(spec.name, variant))).toThrow(MalformedMessage);
            }
          }),
          { numRuns: runsOf(spec) },
        );
      },
      timeoutMs,
    );
  },
);

describe('ClientWriteRequest', () => {
  const command: fc.Arbitrary<WriteCommand> = fc.record({
    type: fc.constant('put' as const),
    key: bytes,
    value: bytes,
    ttlMs: fc.constantFrom(0, 1000, 1500),
  });

  test(
    'keeps the very bytes of the command, and reads what others write',
    () => {
      fc.assert(
        fc.property(
          uint32,
          command,
          fc.option(session, { nil: undefined }),
          (clientId, put, stamp) => {
            const raw = encodeWriteCommand(put);
            const encoded = encodeClientWriteRequest({ clientId, command: raw, session: stamp });
            const theirs = {
              clientId,
              command: decodeTheirs('d_engine.client.WriteCommand', raw),
              ...stamp,
            };
            const expected = encodeTheirs('d_engine.client.ClientWriteRequest', theirs);
            expect(Buffer.from(encoded).equals(expected)).toBe(true);
            expect(comparable(decodeClientWriteRequest(expected))).toEqual(
              comparable({
                clientId,
                command: raw,
                session: stamp,
              }),
            );
          },
        ),
        { numRuns: hotRuns },
      );
    },
    timeoutMs,
  );

  test('keeps bytes that another encoder would have ordered otherwise', () => {
    const odd = Buffer.from('0a0612017618640a', 'hex');
    const request = encodeClientWriteRequest({ clientId: 7, command: odd });
    expect(Buffer.from(decodeClientWriteRequest(request).command).equals(odd)).toBe(true);
  });

  test('refuses none and several commands', () => {
    const none = Uint8Array.of(8, 7);
    const two = Uint8Array.of(18, 0, 18, 0);
    expect(() => decodeClientWriteRequest(none)).toThrow(MalformedMessage);
    expect(() => decodeClientWriteRequest(two)).toThrow(/more than one command/);
  });
});
