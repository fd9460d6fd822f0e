import { expect, test } from 'vitest';
import { ConnectionTimes } from '../../src/http2/connection-times.ts';
import { http2Defaults } from '../../src/http2/http2-options.ts';

const ticker = { ticksOf: (ms: number) => ms / 100 };
const idle = { settings: false, headers: false, life: false };

function timesOf(answerSilenceMs: number): ConnectionTimes {
  const options = { ...http2Defaults, answerSilenceMs, keepAliveIntervalMs: 30_000 };
  return new ConnectionTimes(options, ticker);
}

/** What is due at each of so many ticks, but for nothing. */
function duesOf(times: ConnectionTimes, ticks: number): [number, string][] {
  const dues: [number, string][] = [];
  for (let tick = 1; tick <= ticks; tick++) {
    const { kind } = times.tick(idle);
    if (kind !== 'nothing') dues.push([tick, kind]);
  }
  return dues;
}

test('silence after something was sent is asked about, and then is the end', () => {
  const times = timesOf(500);
  times.asked();
  expect(duesOf(times, 10)).toEqual([
    [5, 'ping'],
    [10, 'gone'],
  ]);
});

test('any sign of life is an answer; without a question silence means nothing', () => {
  const times = timesOf(500);
  times.asked();
  expect(duesOf(times, 7)).toEqual([[5, 'ping']]);
  times.heard();
  expect(duesOf(times, 100)).toEqual([]);
  times.asked();
  expect(duesOf(times, 6)).toEqual([[5, 'ping']]);
});

test('without such a time only the interval of keep-alive counts', () => {
  const times = timesOf(0);
  times.asked();
  expect(duesOf(times, 200)).toEqual([]);
});
