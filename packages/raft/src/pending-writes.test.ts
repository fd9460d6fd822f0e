import { InvariantViolation } from '@d-engine/base';
import { describe, expect, test } from 'vitest';
import { PendingWrites } from './pending-writes.ts';

describe('PendingWrites (design rule 1)', () => {
  test('a finished write makes its last entry durable, and all writes before it count too', () => {
    const writes = new PendingWrites();
    expect(writes.begin(3, 1)).toBe(1);
    expect(writes.begin(5, 1)).toBe(2);
    expect(writes.complete(2, () => 1)).toBe(5);
    expect(writes.durableId).toBe(2);
    expect(writes.complete(1, () => 1)).toBeUndefined();
    expect(writes.durableId).toBe(2);
  });

  test('5@t2 is replaced by 5@t3: the end of the first write says nothing of the second', () => {
    const writes = new PendingWrites();
    const first = writes.begin(5, 2);
    writes.voidClaims();
    const second = writes.begin(5, 3);
    expect(writes.complete(first, () => 3)).toBeUndefined();
    expect(writes.complete(second, () => 3)).toBe(5);
  });

  test('a voided write counts no more even if the same term comes back', () => {
    const writes = new PendingWrites();
    const first = writes.begin(5, 2);
    writes.voidClaims();
    expect(writes.complete(first, () => 2)).toBeUndefined();
  });

  test('a claim on an entry that is gone counts for nothing', () => {
    const writes = new PendingWrites();
    const first = writes.begin(5, 2);
    expect(writes.complete(first, () => undefined)).toBeUndefined();
  });

  test('a write that was never begun cannot end', () => {
    expect(() => new PendingWrites().complete(1, () => 1)).toThrow(InvariantViolation);
  });
});
