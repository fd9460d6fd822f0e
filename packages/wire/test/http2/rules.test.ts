import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { areValidTrailers, readRequest, readResponse } from '../../src/http2/header-rules.ts';
import { RecentStreams } from '../../src/http2/recent-streams.ts';

const good = [':method', 'POST', ':scheme', 'http', ':path', '/a', ':authority', 'h:1'];

describe('a request', () => {
  test('is read', () => {
    const headers = [...good, 'content-length', '12', 'te', 'trailers', 'x-y', 'z'];
    expect(readRequest(headers)).toEqual({
      ...{ method: 'POST', path: '/a', authority: 'h:1', contentBytes: 12, headers },
    });
    expect(readRequest([':method', 'CONNECT', ':authority', 'h:1'])?.method).toBe('CONNECT');
  });

  test.each([
    ['without a method', good.slice(2)],
    ['without a scheme', [...good.slice(0, 2), ...good.slice(4)]],
    ['without a path', [...good.slice(0, 4), ...good.slice(6)]],
    ['with an empty path', [':method', 'GET', ':scheme', 'http', ':path', '']],
    ['with two paths', [...good, ':path', '/b']],
    ['with an unknown pseudo header field', [...good, ':x', 'y']],
    ["with an answer's pseudo header field", [...good, ':status', '200']],
    ['with a pseudo header field behind a field', [...good, 'a', 'b', ':path', '/']],
    ['with capitals in a name', [...good, 'X-y', 'z']],
    ['with a blank in a name', [...good, 'x y', 'z']],
    ['with an empty name', [...good, '', 'z']],
    ['with a line feed in a value', [...good, 'x', 'a\nb']],
    ['with a NUL in a value', [...good, 'x', '\0']],
    ['with a blank before a value', [...good, 'x', ' a']],
    ['with a line feed in its path', [':method', 'GET', ':scheme', 'http', ':path', '/\r\n']],
    ['with connection', [...good, 'connection', 'close']],
    ['with keep-alive', [...good, 'keep-alive', '1']],
    ['with transfer-encoding', [...good, 'transfer-encoding', 'chunked']],
    ['with upgrade', [...good, 'upgrade', 'h2c']],
    ['with te other than trailers', [...good, 'te', 'gzip']],
    ['with a content-length that is no number', [...good, 'content-length', '1e3']],
    ['with two content-lengths', [...good, 'content-length', '1', 'content-length', '2']],
    ['of CONNECT with a path', [':method', 'CONNECT', ':authority', 'h', ':path', '/']],
  ])('%s is malformed', (_, headers) => {
    expect(readRequest(headers)).toBeUndefined();
  });
});

test('an answer needs a status of three digits, in front', () => {
  expect(readResponse([':status', '200', 'content-length', '3'])).toEqual({
    ...{ status: 200, contentBytes: 3 },
  });
  for (const bad of [
    ['a', 'b'],
    [':status', '99'],
    [':status', 'abc'],
    [':status', '2000'],
  ]) {
    expect(readResponse(bad)).toBeUndefined();
  }
  expect(readResponse([':status', '200', ':status', '200'])).toBeUndefined();
});

test('trailers have no pseudo header fields', () => {
  expect(areValidTrailers(['grpc-status', '0'])).toBe(true);
  expect(areValidTrailers([':path', '/'])).toBe(false);
});

test('what became of streams is known for the newest of them, as a plain list knows it', () => {
  const steps = fc.array(
    fc.record({
      step: fc.integer({ min: 1, max: 700 }),
      how: fc.constantFrom('ended' as const, 'reset here' as const, 'reset there' as const),
    }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(steps, (list) => {
      const recent = new RecentStreams();
      const plain = new Map<number, string>();
      let id = -1;
      for (const { step, how } of list) {
        id += 2 * step;
        recent.set(id, how);
        plain.set(id, how);
      }
      const wrong: number[] = [];
      for (let asked = Math.max(1, id - 2046); asked <= id; asked += 2) {
        if (recent.get(asked) !== (plain.get(asked) ?? 'never used')) wrong.push(asked);
      }
      expect(wrong).toEqual([]);
      // Older ones are not known, and get the benefit of the doubt.
      if (id > 2048) expect(recent.get(id - 2048)).toBe('reset here');
    }),
  );
});
