import { expect, test } from 'vitest';
import { parseSummary } from './summary.ts';

const failing = `Hypertext Transfer Protocol Version 2 (HTTP/2)
  5. Streams and Multiplexing
      1: a case  \u00a0 ✔ 1: a case
      2: another case\r      × 2: another case

Failures: 

Hypertext Transfer Protocol Version 2 (HTTP/2)
  5. Streams and Multiplexing
    5.1. Stream States
      × 8: closed: Sends a DATA frame after sending RST_STREAM frame
        -> The endpoint MUST treat this as a stream error of type STREAM_CLOSED.
           Expected: GOAWAY Frame (Error Code: STREAM_CLOSED)
             Actual: Timeout

      5.1.1. Stream Identifiers
        × 2: Sends a smaller stream identifier
          -> The endpoint MUST respond with a connection error of type PROTOCOL_ERROR.

Finished in 10.3265 seconds
146 tests, 143 passed, 1 skipped, 2 failed
`;

test('the numbers, and each failed case with its section', () => {
  expect(parseSummary(failing)).toEqual({
    tests: 146,
    passed: 143,
    skipped: 1,
    failed: 2,
    failures: [
      '5.1. Stream States, 8: closed: Sends a DATA frame after sending RST_STREAM frame',
      '5.1.1. Stream Identifiers, 2: Sends a smaller stream identifier',
    ],
  });
});

test('nothing failed', () => {
  const output = 'Finished in 1.0 seconds\n146 tests, 146 passed, 0 skipped, 0 failed\n';
  expect(parseSummary(output)).toMatchObject({ passed: 146, failed: 0, failures: [] });
});

test('an output without its end, or with a failure that has no name, is no summary', () => {
  expect(() => parseSummary(failing.slice(0, -50))).toThrow('did not come to its end');
  expect(() => parseSummary(failing.replace('2 failed', '3 failed'))).toThrow('names 2');
});
