import { expect, test } from 'vitest';
import type { ErrorName } from './errors.ts';
import { DEngineError, describeError, errorNameOf, errorRegistry } from './errors.ts';
import { assertLimitsAgree } from './limits.ts';
import { statusCodes } from './network.ts';

const names = Object.keys(errorRegistry) as ErrorName[];

test('the limits fit each other', () => {
  expect(() => assertLimitsAgree()).not.toThrow();
});

test('every error has a number of its own, a status of gRPC and one of HTTP', () => {
  const codes = names.map((name) => errorRegistry[name].code);
  expect(new Set(codes).size).toBe(codes.length);
  for (const name of names) {
    const definition = errorRegistry[name];
    expect(errorNameOf(definition.code)).toBe(name);
    expect(statusCodes[definition.grpc]).toBeGreaterThan(0);
    expect(definition.http).toBeGreaterThanOrEqual(400);
    expect(definition.help).not.toBe('');
  }
});

test('an error that may have been applied is never offered for a retry', () => {
  for (const name of names) {
    const { retryable, applied } = errorRegistry[name];
    if (name === 'ConnectionTimeout') continue;
    expect(retryable && applied === 'maybe', name).toBe(false);
  }
});

test('an error tells its numbers, its leader and its causes', () => {
  const cause = new Error('the socket broke');
  const leader = { id: 2, address: '127.0.0.1:9082' };
  const error = new DEngineError('NotLeader', 'ask node 2', { leader, cause });
  expect(error).toMatchObject({ code: 4001, retryable: true, mayHaveBeenApplied: false, leader });
  expect(describeError(error)).toBe('ask node 2: the socket broke');
});
