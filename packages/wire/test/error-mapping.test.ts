import {
  DEngineError,
  type ErrorName,
  errorRegistry,
  type FailureStatus,
  MalformedMessage,
  StatusError,
  statusCodes,
} from '@d-engine/base';
import { describe, expect, test } from 'vitest';
import {
  decodeClientResponse,
  encodeClientResponse,
  errorFromForward,
  errorFromResponse,
  errorFromStatus,
  formatLeader,
  parseLeader,
  toDEngineError,
  toErrorResponse,
  toFailure,
  toForwardError,
  toHttpError,
} from '../src/index.ts';

const names = Object.keys(errorRegistry) as ErrorName[];
const leader = { id: 2, address: '10.0.0.2:9081' };
const error = (name: ErrorName): DEngineError =>
  new DEngineError(name, `what happened: ${name}`, { leader, retryAfterMs: 500 });

function expectSame(actual: DEngineError, expected: DEngineError): void {
  const { name, message, retryAfterMs } = expected;
  expect(actual).toMatchObject({ name, message, leader: expected.leader, retryAfterMs });
}

describe.each(names)('%s survives', (name) => {
  test('a gRPC failure', () => {
    const failure = toFailure(error(name));
    expect(failure.status).toBe(errorRegistry[name].grpc);
    expect(failure.metadata?.['x-raft-leader']).toBe('{"leader_id":2,"address":"10.0.0.2:9081"}');
    expectSame(errorFromStatus(new StatusError(failure, true), 'write'), error(name));
  });

  test('a response with an error code', () => {
    const response = decodeClientResponse(encodeClientResponse(toErrorResponse(error(name))));
    if (response.type !== 'error') throw new Error('not an error');
    expect(response.code).toBe(errorRegistry[name].code);
    expectSame(errorFromResponse(response), error(name));
  });

  test('a forwarded write', () => {
    expectSame(errorFromForward(toForwardError(error(name))), error(name));
  });
});

describe('statuses without our metadata', () => {
  const failed = (status: FailureStatus, mayHaveBeenSent: boolean): StatusError =>
    new StatusError({ status, message: 'x' }, mayHaveBeenSent);

  test('a write that may have left is never said to be unapplied, unless it was refused', () => {
    for (const status of ['unavailable', 'cancelled', 'deadlineExceeded', 'aborted'] as const) {
      expect(errorFromStatus(failed(status, true), 'write').mayHaveBeenApplied).toBe(true);
      const unsent = errorFromStatus(failed(status, false), 'write');
      expect(unsent.mayHaveBeenApplied).toBe(false);
      expect(unsent.retryable).toBe(true);
    }
  });

  test('a read changed nothing', () => {
    expect(errorFromStatus(failed('deadlineExceeded', true), 'read').name).toBe('DeadlineExceeded');
    expect(errorFromStatus(failed('unavailable', true), 'read').name).toBe('ClusterUnavailable');
  });

  test('every status has a meaning', () => {
    for (const status of Object.keys(statusCodes)) {
      if (status === 'ok') continue;
      expect(errorFromStatus(failed(status as FailureStatus, true), 'read').message).toBe('x');
    }
  });

  test('the hint of a leader makes a refusal a change of leader', () => {
    const metadata = { 'x-raft-leader': '{"leader_id":"3","address":"c:1"}' };
    const refused = new StatusError({ status: 'failedPrecondition', message: 'x', metadata }, true);
    expect(errorFromStatus(refused, 'write')).toMatchObject({
      name: 'LeaderChanged',
      leader: { id: 3, address: 'c:1' },
    });
  });
});

describe('leader hints', () => {
  test.each(['', '{', 'null', '7', '{"leader_id":0,"address":"a:1"}', '{"leader_id":1}', '[]'])(
    'what is no hint is none: %j',
    (text) => expect(parseLeader(text)).toBeUndefined(),
  );

  test('a host name outside ASCII still fits in a header', () => {
    const hint = { id: 1, address: 'müller.example:9081' };
    expect(formatLeader(hint)).toMatch(/^[ -~]+$/);
    expect(parseLeader(formatLeader(hint))).toEqual(hint);
  });
});

test('a response whose server says "maybe" is never read as "never"', () => {
  const metadata = { mayHaveBeenApplied: true, debugMessage: 'x' };
  const code = errorRegistry.NotLeader.code;
  expect(errorFromResponse({ code, metadata }).mayHaveBeenApplied).toBe(true);
  expect(errorFromResponse({ code: 4242, metadata: {} }).name).toBe('Uncategorized');
});

test('an HTTP error has the body of the contract', () => {
  const http = toHttpError(
    new DEngineError('ClusterUnavailable', 'no leader', { leader, retryAfterMs: 500 }),
  );
  expect(http.status).toBe(503);
  expect(http.headers).toMatchObject({ 'retry-after': '1', 'x-raft-leader': formatLeader(leader) });
  expect(http.body.endsWith('\n')).toBe(true);
  expect(JSON.parse(http.body)).toEqual({
    error: {
      code: 4005,
      name: 'ClusterUnavailable',
      message: 'no leader',
      retryable: true,
      may_have_been_applied: false,
      retry_after_ms: 500,
      leader: { id: 2, address: '10.0.0.2:9081' },
    },
  });
});

test('whatever is thrown becomes an error of the registry', () => {
  expect(toDEngineError(new MalformedMessage('bad')).name).toBe('InvalidRequest');
  expect(toDEngineError(new TypeError('bug')).name).toBe('General');
  const known = error('Stopped');
  expect(toDEngineError(known)).toBe(known);
});
