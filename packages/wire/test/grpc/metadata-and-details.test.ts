import { randomBytes } from 'node:crypto';
import {
  DEngineError,
  type ErrorName,
  errorRegistry,
  type Metadata,
  StatusError,
} from '@d-engine/base';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { toFailure } from '../../src/error-mapping.ts';
import { errorFromStatus } from '../../src/error-recovery.ts';
import { decodeBinaryMetadata, encodeBinaryMetadata } from '../../src/grpc/binary-metadata.ts';
import { metadataOf, metadataProblem } from '../../src/grpc/call-metadata.ts';
import { failureTrailers, trailersFailure } from '../../src/grpc/grpc-status.ts';
import { roundTimeoutMs } from '../../src/grpc/grpc-text.ts';
import { statusDetailsKey } from '../../src/grpc/status-details.ts';

describe('binary metadata', () => {
  test('is the same bytes again, however many values there are, without padding', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1 }), (values) => {
        const text = encodeBinaryMetadata(...values);
        expect(text).not.toContain('=');
        expect(decodeBinaryMetadata(text)?.map((bytes) => Buffer.from(bytes))).toEqual(
          values.map((bytes) => Buffer.from(bytes)),
        );
      }),
    );
  });

  test('is read with and without padding, in lists and in headers of their own', () => {
    const list = ['x-bin', 'AQ==, AgM', 'x-bin', 'BAUG', 'y-bin', 'AQI='];
    expect(metadataOf(list)).toEqual({ 'x-bin': 'AQ,AgM,BAUG', 'y-bin': 'AQI' });
    expect(decodeBinaryMetadata('AQ,AgM,BAUG')?.map((bytes) => [...bytes])).toEqual([
      ...[[1], [2, 3], [4, 5, 6]],
    ]);
  });

  test.each(['A', 'AQ=', 'AQI==', 'A?', 'AQ=, ä', '=', 'AAAAA'])('%s is none', (value) => {
    expect(decodeBinaryMetadata(value)).toBeUndefined();
    expect(metadataProblem({ 'x-bin': value })).toMatch(/is no(t| base64)/);
    // The answer that it came with is worth more than it.
    expect(metadataOf(['x-bin', value, 'x', 'y'])).toEqual({ x: 'y' });
  });

  test('goes out only where it is base64, and under names that are free', () => {
    expect(metadataProblem({ 'x-bin': encodeBinaryMetadata(randomBytes(50)) })).toBeUndefined();
    for (const name of ['grpc-status-details-bin', 'grpc-foo', 'X-Upper', ':path', 'te']) {
      expect(metadataProblem({ [name]: 'AQ' })).toBe(`'${name}' is no metadata key`);
    }
  });
});

const rpc = protobuf.parse(`
  syntax = "proto3";
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Any { string type_url = 1; bytes value = 2; }
  message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
  message RetryInfo { Duration retry_delay = 1; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
`).root;

describe('the trailers of a failure', () => {
  interface Details {
    readonly code: number;
    readonly message: string;
    readonly details: { readonly typeUrl: string; readonly value: Uint8Array }[];
  }
  function detailsOf(trailers: readonly string[]): Details {
    const value = trailers[trailers.indexOf(statusDetailsKey) + 1] ?? '';
    const type = rpc.lookupType('Status');
    return type.toObject(type.decode(Buffer.from(value, 'base64'))) as Details;
  }
  function unpacked(details: Details): unknown[] {
    return details.details.map(({ typeUrl, value }) => {
      const type = rpc.lookupType(typeUrl.replace('type.googleapis.com/google.rpc.', ''));
      return type.toObject(type.decode(value), { longs: Number });
    });
  }

  test('carry the error as google.rpc.Status, for every error of the registry', () => {
    for (const name of Object.keys(errorRegistry) as ErrorName[]) {
      const { code, retryable, applied } = errorRegistry[name];
      const failure = toFailure(new DEngineError(name, 'it is ö so', { retryAfterMs: 1_250 }));
      const status = detailsOf(failureTrailers(failure));
      expect(status.message).toBe('it is ö so');
      expect(unpacked(status)).toEqual([
        {
          reason: expect.stringMatching(/^[A-Z][A-Z_]*[A-Z]$/) as string,
          domain: 'd-engine',
          metadata: {
            code: String(code),
            retryable: String(retryable),
            maybeApplied: String(applied === 'maybe'),
          },
        },
        { retryDelay: { seconds: 1, nanos: 250_000_000 } },
      ]);
    }
    const failure = toFailure(new DEngineError('NotLeader', 'not here'));
    expect(unpacked(detailsOf(failureTrailers(failure)))[0]).toMatchObject({
      reason: 'NOT_LEADER',
    });
  });

  test('say nothing of the kind about failures of the transport', () => {
    const trailers = failureTrailers({ status: 'unavailable', message: 'gone' });
    expect(trailers).toEqual(['grpc-status', '14', 'grpc-message', 'gone']);
  });

  test('name the error also to a client that gets nothing but the details', () => {
    const sent = failureTrailers(toFailure(new DEngineError('DiskFull', 'no room')));
    const at = sent.indexOf('x-d-engine-error');
    const seen = (trailers: readonly string[]): ErrorName => {
      const failure = trailersFailure(trailers, {});
      if (failure === undefined) throw new Error('no failure');
      return errorFromStatus(new StatusError(failure, true), 'write').name;
    };
    const without = [...sent.slice(0, at), ...sent.slice(at + 2)];
    expect([seen(sent), seen(without)]).toEqual(['DiskFull', 'DiskFull']);
    const foreign: Metadata = { [statusDetailsKey]: encodeBinaryMetadata(randomBytes(20)) };
    const strange = { status: 'aborted', message: '', metadata: foreign } as const;
    expect(errorFromStatus(new StatusError(strange, true), 'write').name).toBe('ConnectionTimeout');
  });
});

describe('a rounded timeout', () => {
  test('is at most 5% shorter, never longer, never 0', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 1e9, noNaN: true }), (ms) => {
        const rounded = roundTimeoutMs(ms);
        expect(rounded).toBeGreaterThanOrEqual(1);
        expect(rounded).toBeLessThanOrEqual(Math.max(1, ms));
        expect(rounded).toBeGreaterThan(ms >= 100 ? ms * 0.95 : ms - 1);
      }),
    );
    expect([5_000, 1_500, 250, 750, 99, 4_987.3].map(roundTimeoutMs)).toEqual([
      ...[5_000, 1_500, 250, 750, 99, 4_900],
    ]);
  });

  test('has about a hundred values in ten times the range', () => {
    const values = new Set<number>();
    for (let ms = 1_000; ms < 10_000; ms++) values.add(roundTimeoutMs(ms));
    expect(values.size).toBe(100);
  });
});
