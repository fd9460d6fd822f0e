import { expect, test } from 'vitest';
import { put } from '../testing/watch-kit.ts';
import { EventRing } from './event-ring.ts';

const roomy = { eventsMax: 1_000_000, bytesMax: Number.MAX_SAFE_INTEGER };

function kept(ring: EventRing): number[] {
  const revisions: number[] = [];
  for (let number = ring.first; number < ring.next; number++) {
    revisions.push(ring.at(number).revision);
  }
  return revisions;
}

test('keeps the newest events, and knows up to where they are gone', () => {
  const ring = new EventRing({ ...roomy, eventsMax: 3 }, 0);
  ring.append([put(1, 'a'), put(2, 'a')]);
  expect([ring.floor, kept(ring)]).toEqual([0, [1, 2]]);
  ring.append([put(5, 'a'), put(6, 'a')]);
  expect([ring.floor, kept(ring)]).toEqual([1, [2, 5, 6]]);
});

test('a revision is kept or dropped as a whole', () => {
  const ring = new EventRing({ ...roomy, eventsMax: 3 }, 0);
  ring.append([put(1, 'a'), put(1, 'b'), put(2, 'c'), put(3, 'd')]);
  expect([ring.floor, kept(ring)]).toEqual([1, [2, 3]]);
  ring.append([put(4, 'a'), put(4, 'b'), put(4, 'c'), put(4, 'd')]);
  expect([ring.floor, kept(ring)]).toEqual([4, []]);
});

test('is bounded by bytes as well', () => {
  const ring = new EventRing({ ...roomy, bytesMax: 5_000 }, 0);
  ring.append([put(1, 'a', 'x'.repeat(2_000)), put(2, 'a', 'x'.repeat(2_000))]);
  expect(ring.bytes).toBeGreaterThan(4_000);
  ring.append([put(3, 'a', 'x'.repeat(2_000))]);
  expect([ring.floor, kept(ring)]).toEqual([1, [2, 3]]);
  ring.append([put(4, 'a', 'x'.repeat(6_000))]);
  expect([ring.floor, kept(ring), ring.bytes]).toEqual([4, [], 0]);
});

test('finds the first event above a revision', () => {
  const ring = new EventRing(roomy, 10);
  ring.append([put(12, 'a'), put(15, 'a'), put(15, 'b'), put(20, 'a')]);
  const revisionAbove = (revision: number): number | undefined => {
    const number = ring.firstAbove(revision);
    return number === ring.next ? undefined : ring.at(number).revision;
  };
  expect([10, 11, 12, 15, 19, 20].map(revisionAbove)).toEqual([12, 12, 15, 20, 20, undefined]);
  expect(() => ring.firstAbove(9)).toThrow('below the floor');
});

test('numbers go on over drops and resets, and places at the front are given back', () => {
  const ring = new EventRing({ ...roomy, eventsMax: 2_000 }, 0);
  for (let revision = 1; revision <= 10_000; revision++) ring.append([put(revision, 'a')]);
  expect([ring.first, ring.next, ring.floor]).toEqual([8_000, 10_000, 8_000]);
  expect(ring.at(9_000).revision).toBe(9_001);
  ring.reset(20_000);
  expect([ring.first, ring.next, ring.floor, ring.bytes]).toEqual([10_000, 10_000, 20_000, 0]);
  ring.append([put(20_001, 'a')]);
  expect(ring.at(10_000).revision).toBe(20_001);
});
