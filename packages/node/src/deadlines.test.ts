import { expect, test } from 'vitest';
import type { Waiting } from './deadlines.ts';
import { Deadlines } from './deadlines.ts';
import { ManualClock } from './testing/manual-clock.ts';

function waitingUntil(clock: ManualClock, ms: number, expire: () => void): Waiting {
  return { deadlineAtMs: clock.monotonicMs() + ms, expire };
}

test('what waits expires once, soon after its deadline', () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  const expired: string[] = [];
  deadlines.add(waitingUntil(clock, 100, () => expired.push('early')));
  deadlines.add(waitingUntil(clock, 1_000, () => expired.push('late')));
  const answered = waitingUntil(clock, 100, () => expired.push('answered'));
  deadlines.add(answered);
  deadlines.remove(answered);
  clock.advance(200);
  expect(expired).toEqual(['early']);
  clock.advance(5_000);
  expect(expired).toEqual(['early', 'late']);
  expect(clock.timerCount).toBe(0);
});

test('one timer sweeps, also when what expires begins to wait anew', () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  let rounds = 0;
  const again = (): void => {
    rounds += 1;
    deadlines.add(waitingUntil(clock, 100, again));
  };
  again();
  clock.advance(5_000);
  expect(rounds).toBeGreaterThan(10);
  expect(clock.timerCount).toBe(1);
  deadlines.stop();
  expect(clock.timerCount).toBe(0);
});
