import { encodeWriteCommand, MalformedMessage, type WriteCommand } from '@d-engine/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeClientWriteRequest, encodeClientWriteRequest } from '../src/index.ts';
import { messageSpecs } from './all-specs.ts';
import { bytes, session, uint32 } from './arbitraries.ts';
import { comparable, decodeTheirs, encodeTheirs, protos } from './protobuf-oracle.ts';

describe.each(messageSpecs.map((spec, index) => [`${spec.name} #${index}`, spec] as const))(
  '%s',
  (_, spec) => {
    test('our encoding is theirs, byte for byte', () => {
      fc.assert(
        fc.property(spec.arbitrary, ({ ours, theirs }) => {
          const encoded = spec.encode(ours as never);
          expect(Buffer.from(encoded).toString('hex')).toBe(
            Buffer.from(encodeTheirs(spec.name, theirs)).toString('hex'),
          );
        }),
      );
    });

    test('we decode theirs, and they decode ours', () => {
      fc.assert(
        fc.property(spec.arbitrary, ({ ours, theirs }) => {
          const decoded = comparable(spec.decode(encodeTheirs(spec.name, theirs)));
          expect(decoded).toEqual(comparable(ours));
          const reencoded = decodeTheirs(spec.name, spec.encode(ours as never));
          expect(reencoded).toEqual(decodeTheirs(spec.name, encodeTheirs(spec.name, theirs)));
        }),
      );
    });
  },
);

describe('ClientWriteRequest', () => {
  const command: fc.Arbitrary<WriteCommand> = fc.record({
    type: fc.constant('put' as const),
    key: bytes,
    value: bytes,
    ttlMs: fc.constantFrom(0, 1000, 1500),
  });

  test('keeps the very bytes of the command, and reads what protobufjs writes', () => {
    const type = protos.lookupType('d_engine.client.WriteCommand');
    fc.assert(
      fc.property(
        uint32,
        command,
        fc.option(session, { nil: undefined }),
        (clientId, put, stamp) => {
          const raw = encodeWriteCommand(put);
          const encoded = encodeClientWriteRequest({ clientId, command: raw, session: stamp });
          const theirs = { clientId, command: type.decode(raw), ...stamp };
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
    );
  });

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
