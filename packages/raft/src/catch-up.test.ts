import { expect, test } from 'vitest';
import { CatchUp } from './catch-up.ts';

test('a round lasts until the learner has what the log had at its beginning', () => {
  const catchUp = new CatchUp();
  expect(catchUp.isWithin(1_000)).toBe(false);
  catchUp.acknowledged(0, 100, 0);
  catchUp.acknowledged(60, 150, 200);
  expect(catchUp.isWithin(1_000)).toBe(false);
  catchUp.acknowledged(100, 160, 500);
  expect([catchUp.isWithin(499), catchUp.isWithin(500)]).toEqual([false, true]);
  catchUp.acknowledged(160, 170, 510);
  expect(catchUp.isWithin(10)).toBe(true);
});

test('who has everything needs no round, and idle time is none', () => {
  const catchUp = new CatchUp();
  catchUp.acknowledged(5, 5, 0);
  expect(catchUp.isWithin(0)).toBe(true);
  catchUp.acknowledged(5, 5, 60_000);
  expect(catchUp.isWithin(0)).toBe(true);
  catchUp.startOver();
  expect(catchUp.isWithin(1_000)).toBe(false);
});
