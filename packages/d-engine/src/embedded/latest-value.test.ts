import { expect, test } from 'vitest';
import { LatestValue } from './latest-value.ts';

const whole = <Value>(value: Value): Value => value;

test('a reader gets the value as it is, then each new one', async () => {
  const value = new LatestValue('first');
  const reader = value.values(whole, undefined);
  expect(await reader.next()).toEqual({ done: false, value: 'first' });
  const second = reader.next();
  value.set('second');
  expect(await second).toEqual({ done: false, value: 'second' });
});

test('a slow reader gets the newest alone', async () => {
  const value = new LatestValue(1);
  const reader = value.values(whole, undefined);
  await reader.next();
  value.set(2);
  value.set(3);
  expect(await reader.next()).toEqual({ done: false, value: 3 });
});

test('a change of another part wakes nobody', async () => {
  const value = new LatestValue({ seen: 'a', other: 1 });
  const reader = value.values(({ seen }) => seen, undefined);
  await reader.next();
  const next = reader.next();
  value.set({ seen: 'a', other: 2 });
  value.set({ seen: 'b', other: 2 });
  expect(await next).toEqual({ done: false, value: 'b' });
});

test('the last value is still read after the end, then the iteration ends', async () => {
  const value = new LatestValue(1);
  const reader = value.values(whole, undefined);
  await reader.next();
  value.set(2);
  value.end();
  expect(value.hasEnded).toBe(true);
  expect(await reader.next()).toEqual({ done: false, value: 2 });
  expect(await reader.next()).toEqual({ done: true, value: undefined });
});

test('an abort ends the wait with its reason and leaves no listener', async () => {
  const value = new LatestValue(1);
  const abort = new AbortController();
  const reader = value.values(whole, abort.signal);
  await reader.next();
  const next = reader.next();
  abort.abort(new Error('enough'));
  await expect(next).rejects.toThrow('enough');
  expect(value.listenerCount).toBe(0);
});
