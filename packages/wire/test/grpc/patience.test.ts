import { expect, test } from 'vitest';
import { Patience } from '../../src/grpc/patience.ts';

test('each attempt that ran out of time leaves more to the next, up to a bound', () => {
  const patience = new Patience(5_000);
  const times: number[] = [];
  for (let attempt = 0; attempt < 6; attempt++) {
    times.push(patience.extend(20));
    patience.ranOut();
  }
  expect(times).toEqual([20, 80, 320, 1_280, 5_000, 5_000]);
  patience.answered();
  expect(patience.extend(20)).toBe(20);
});

test('a time over the bound stays what it is, and none stays none', () => {
  const patience = new Patience(5_000);
  patience.ranOut();
  expect(patience.extend(500_000)).toBe(500_000);
  expect(patience.extend(0)).toBe(0);
  const fixed = new Patience(0);
  fixed.ranOut();
  expect(fixed.extend(100)).toBe(100);
});
