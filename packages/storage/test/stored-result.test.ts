import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CommandResult } from '../src/command-result.ts';
import { decodeResult, encodeResult } from '../src/state/stored-result.ts';

const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const bytes = fc.uint8Array({ maxLength: 20 });
const entry = fc.record({
  key: bytes,
  value: bytes,
  createRevision: number,
  modRevision: number,
  version: number,
  ttlLeftMs: fc.option(number, { nil: undefined }),
  lease: fc.option(number, { nil: undefined }),
});
const response = fc.oneof(
  fc.record({ type: fc.constant('put' as const) }),
  fc.record({ type: fc.constant('delete' as const), deleted: fc.boolean() }),
  fc.record({ type: fc.constant('get' as const), entry: fc.option(entry) }),
);
const revision = number;
const result: fc.Arbitrary<CommandResult> = fc.oneof(
  fc.record({ type: fc.constantFrom('put' as const, 'closeSession' as const), revision }),
  fc.record({ type: fc.constant('delete' as const), revision, deleted: fc.boolean() }),
  fc.record({
    type: fc.constant('compareAndSwap' as const),
    revision,
    succeeded: fc.boolean(),
    current: fc.option(bytes),
  }),
  fc.record({
    type: fc.constant('transaction' as const),
    revision,
    succeeded: fc.boolean(),
    responses: fc.array(response, { maxLength: 5 }),
  }),
  fc.record({ type: fc.constant('grantLease' as const), revision, lease: number, ttlMs: number }),
  fc.record({ type: fc.constant('keepLeaseAlive' as const), revision, ttlMs: number }),
  fc.record({ type: fc.constant('revokeLease' as const), revision, deletedKeys: number }),
  fc.record({
    type: fc.constant('openSession' as const),
    revision,
    session: number,
    ttlMs: number,
  }),
  fc.record({ type: fc.constant('keepSessionAlive' as const), revision, ttlMs: number }),
  fc.record({
    type: fc.constant('refused' as const),
    revision,
    error: fc.constantFrom(
      'InvalidRequest' as const,
      'LeaseNotFound' as const,
      'RateLimited' as const,
      'SessionExpired' as const,
    ),
    message: fc.string(),
  }),
);

test('a stored result comes back as it was', () => {
  fc.assert(
    fc.property(result, (kept) => {
      expect(plain(decodeResult(encodeResult(kept)))).toEqual(plain(kept));
    }),
  );
});

function plain(given: unknown): unknown {
  if (given instanceof Uint8Array) return Buffer.from(given).toString('hex');
  if (Array.isArray(given)) return given.map(plain);
  if (typeof given !== 'object' || given === null) return given;
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, plain(value)]));
}
