import { expect, test } from 'vitest';
import { CallDeadlines } from '../../src/grpc/call-deadlines.ts';
import { TestWorld } from '../http2/test-world.ts';

const hourMs = 3_600_000;

test.each([...[0, 1, 9, 10, 11, 4_321, 10_000, 10_001, 59_999, hourMs, 2 * hourMs]])(
  'a deadline of %i ms is not early, and late by little',
  async (deadlineMs) => {
    const world = new TestWorld();
    const deadlines = new CallDeadlines(world.clock);
    await world.advance(3.5);
    let endedMs = Number.NaN;
    const onDeadline = (): void => {
      endedMs = world.clock.monotonicMs();
    };
    deadlines.add({ onDeadline }, deadlineMs);
    // Others that are done long before do not keep it from its time.
    const done = { onDeadline: (): never => expect.unreachable() };
    for (const otherMs of [1, 500, 5_000]) deadlines.add(done, otherMs).delete(done);
    await world.advance(deadlineMs + 61_000);
    expect(endedMs - 3.5).toBeGreaterThanOrEqual(deadlineMs);
    expect(endedMs - 3.5 - deadlineMs).toBeLessThanOrEqual(deadlineMs > hourMs ? 60_000 : 1_000);
    if (deadlineMs <= 10_000) expect(endedMs - 3.5 - deadlineMs).toBeLessThanOrEqual(10);
    expect(world.timers).toBe(0);
  },
);

test('who waits for ever, and what is done, leaves neither timer nor memory', async () => {
  const world = new TestWorld();
  const deadlines = new CallDeadlines(world.clock);
  const call = { onDeadline: (): never => expect.unreachable() };
  deadlines.add(call, 1e15).delete(call);
  expect(world.timers).toBe(0);
  for (let at = 0; at < 1_000; at++) deadlines.add(call, 1_000 + at * 7_777).delete(call);
  await world.advance(2_100);
  expect(world.timers).toBe(0);
});
