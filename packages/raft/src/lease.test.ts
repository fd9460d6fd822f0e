import { describe, expect, test } from 'vitest';
import { leaseHolds, leaseLengthMs, leaseMarginMs } from './lease.ts';
import { Tokens } from './tokens.ts';

const sentAt = { monotonicMs: 1000, wallMs: 50_000 };

function after(
  monotonicMs: number,
  wallMs: number = monotonicMs,
): {
  monotonicMs: number;
  wallMs: number;
} {
  return { monotonicMs: 1000 + monotonicMs, wallMs: 50_000 + wallMs };
}

describe('lease (design rule 4)', () => {
  test('is the stickiness less a margin, or what was configured if that is less', () => {
    expect(leaseMarginMs(300)).toBe(50);
    expect(leaseMarginMs(1000)).toBe(100);
    expect(leaseLengthMs(500, 1000)).toBe(500);
    expect(leaseLengthMs(5000, 1000)).toBe(900);
  });

  test('ends that long after the messages left', () => {
    expect(leaseHolds(sentAt, after(0), 500, 1000)).toBe(true);
    expect(leaseHolds(sentAt, after(499.9), 500, 1000)).toBe(true);
    expect(leaseHolds(sentAt, after(500), 500, 1000)).toBe(false);
    expect(leaseHolds(sentAt, after(-1), 500, 1000)).toBe(false);
  });

  test('is void when the clocks moved apart by more than half the margin', () => {
    expect(leaseHolds(sentAt, after(100, 150), 500, 1000)).toBe(true);
    expect(leaseHolds(sentAt, after(100, 151), 500, 1000)).toBe(false);
    expect(leaseHolds(sentAt, after(100, 49), 500, 1000)).toBe(false);
  });

  test('never holds with a stickiness that the margin eats up', () => {
    expect(leaseHolds(sentAt, after(0), 500, 50)).toBe(false);
  });
});

describe('Tokens', () => {
  test('rise, and remember when they left', () => {
    const tokens = new Tokens();
    expect(tokens.current(after(0))).toBe(1);
    expect(tokens.current(after(0.5))).toBe(1);
    expect(tokens.current(after(1))).toBe(2);
    expect(tokens.fresh(after(1))).toBe(3);
    expect(tokens.sentAt(2)).toEqual(after(1));
    expect(tokens.sentAt(0)).toBeUndefined();
    expect(() => tokens.sentAt(4)).toThrow('never made');
  });

  test('forget the oldest', () => {
    const tokens = new Tokens();
    for (let count = 0; count < 5000; count++) tokens.fresh(after(count));
    expect(tokens.sentAt(5000)).toEqual(after(4999));
    expect(tokens.sentAt(905)).toEqual(after(904));
    expect(tokens.sentAt(904)).toBeUndefined();
  });
});
