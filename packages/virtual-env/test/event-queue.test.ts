import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventQueue } from '../src/event-queue.ts';
import type { ScheduledEvent } from '../src/life.ts';

describe('the event queue', () => {
  it('yields by time, then in the order of adding, without the cancelled', () => {
    const step = fc.record({ timeMs: fc.integer({ min: 0, max: 20 }), cancel: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new EventQueue();
        const seen: number[] = [];
        const events = steps.map(({ timeMs }, index) => {
          return queue.add(timeMs, undefined, () => seen.push(index));
        });
        for (const [index, { cancel }] of steps.entries()) {
          if (cancel) queue.cancel(events[index] as ScheduledEvent);
        }
        for (let next = queue.take(); next !== undefined; next = queue.take()) next.action?.();
        const expected = [...steps.entries()]
          .filter(([, { cancel }]) => !cancel)
          .sort(([, one], [, other]) => one.timeMs - other.timeMs)
          .map(([index]) => index);
        expect(seen).toEqual(expected);
      }),
    );
  });

  it('does not keep what was cancelled for ever', () => {
    const queue = new EventQueue();
    for (let index = 0; index < 100_000; index++) {
      queue.cancel(queue.add(1_000_000 + index, undefined, () => undefined));
    }
    expect(queue.length).toBeLessThan(3_000);
  });

  it('keeps its order through a compaction', () => {
    const queue = new EventQueue();
    const kept: number[] = [];
    for (let index = 0; index < 5_000; index++) {
      const event = queue.add((index * 7_919) % 5_000, undefined, () => undefined);
      if (index % 3 !== 0) queue.cancel(event);
    }
    for (let next = queue.take(); next !== undefined; next = queue.take()) {
      if (next.action !== undefined) kept.push(next.timeMs);
    }
    expect(kept).toEqual([...kept].sort((one, other) => one - other));
    expect(kept).toHaveLength(1_667);
  });
});
