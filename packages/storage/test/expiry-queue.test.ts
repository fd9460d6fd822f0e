import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExpiryQueue } from '../src/state/expiry-queue.ts';

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const step = fc.oneof(
  fc.record({ type: fc.constant('set' as const), id, dueAtMs: fc.nat(50) }),
  fc.record({ type: fc.constant('delete' as const), id }),
  fc.record({ type: fc.constant('take' as const), nowMs: fc.nat(50) }),
);

describe('expiry queue', () => {
  it('hands out what is due by time, then by id, whatever it went through', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new ExpiryQueue<string>();
        const model = new Map<string, number>();
        for (const each of steps) {
          if (each.type === 'set') {
            queue.set(each.id, each.dueAtMs);
            model.set(each.id, each.dueAtMs);
          } else if (each.type === 'delete') {
            queue.delete(each.id);
            model.delete(each.id);
          } else {
            const due = firstOf(model);
            const expected = due !== undefined && due[1] <= each.nowMs ? due[0] : undefined;
            expect(queue.takeDue(each.nowMs)).toBe(expected);
            if (expected !== undefined) model.delete(expected);
          }
          expect(queue.size).toBe(model.size);
          expect(queue.nextDueMs).toBe(firstOf(model)?.[1]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('does not grow with every time that an id is set anew, later or sooner', () => {
    const queue = new ExpiryQueue<number>();
    for (let round = 0; round < 1_000; round++) {
      for (let key = 0; key < 10; key++) {
        queue.delete(key);
        queue.set(key, 5_000 - round);
        queue.set(key, 5_000 + round);
      }
    }
    expect(queue.size).toBe(10);
    expect(queue.plannedCount).toBeLessThan(200);
  });
});

function firstOf(model: Map<string, number>): [string, number] | undefined {
  const order = [...model].sort(([one, oneAt], [other, otherAt]) =>
    oneAt === otherAt ? (one < other ? -1 : 1) : oneAt - otherAt,
  );
  return order[0];
}
