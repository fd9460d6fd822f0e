import { limits } from '@d-engine/base';
import { describe, expect, test } from 'vitest';
import { ForwardedReads } from './forwarded-reads.ts';
import { LeaderReads } from './read-index.ts';

function add(reads: LeaderReads, readId: number, index = 5, ready = true): boolean {
  return reads.add({ readId, from: undefined, index }, ready);
}

function ids(list: readonly { readonly readId: number }[]): number[] {
  return list.map(({ readId }) => readId);
}

describe('LeaderReads (design rule 5)', () => {
  test('reads gather while a round is on its way and share the next one', () => {
    const reads = new LeaderReads();
    add(reads, 1);
    expect(reads.wantsRound(0, 50)).toBe(true);
    reads.startRound(10, 0);
    add(reads, 2);
    add(reads, 3);
    expect(reads.wantsRound(49, 50)).toBe(false);
    expect(ids(reads.confirm(9))).toEqual([]);
    expect(ids(reads.confirm(10))).toEqual([1]);
    expect(reads.wantsRound(49, 50)).toBe(true);
    reads.startRound(11, 49);
    expect(ids(reads.confirm(12))).toEqual([2, 3]);
    expect(reads.count).toBe(0);
  });

  test('a round that nobody answers is followed by another; one answer confirms both', () => {
    const reads = new LeaderReads();
    add(reads, 1);
    reads.startRound(10, 0);
    add(reads, 2);
    expect(reads.nextRoundMs(50)).toBe(50);
    expect(reads.wantsRound(50, 50)).toBe(true);
    reads.startRound(20, 50);
    expect(ids(reads.confirm(20))).toEqual([1, 2]);
  });

  test('reads wait for the first commit of the term, and then ask for its index', () => {
    const reads = new LeaderReads();
    add(reads, 1, 5, false);
    expect(reads.wantsRound(0, 50)).toBe(false);
    reads.becomeReady(8);
    reads.startRound(1, 0);
    expect(reads.confirm(1)).toEqual([{ readId: 1, from: undefined, index: 8 }]);
  });

  test('there is a bound, and the end of leadership takes all', () => {
    const reads = new LeaderReads();
    add(reads, 0, 5, false);
    add(reads, 1);
    reads.startRound(1, 0);
    for (let readId = 2; readId < limits.pendingReadsMax; readId++) {
      expect(add(reads, readId)).toBe(true);
    }
    expect(add(reads, 99)).toBe(false);
    expect(reads.takeAll().length).toBe(limits.pendingReadsMax);
    expect(reads.count).toBe(0);
  });
});

describe('ForwardedReads', () => {
  test('reads of one turn share a question', () => {
    const reads = new ForwardedReads();
    reads.add(7);
    reads.add(8);
    expect(reads.ask(100)).toBe(7);
    expect(reads.ask(100)).toBeUndefined();
    reads.add(9);
    expect(reads.ask(101)).toBe(9);
    expect(reads.answered(7)).toEqual([7, 8]);
    expect(reads.answered(7)).toEqual([]);
    expect(reads.oldestAskedMs()).toBe(101);
    expect(reads.takeAskedBefore(100)).toEqual([]);
    expect(reads.takeAskedBefore(101)).toEqual([9]);
    expect(reads.oldestAskedMs()).toBeUndefined();
  });

  test('all are given up together', () => {
    const reads = new ForwardedReads();
    reads.add(1);
    reads.ask(5);
    reads.add(2);
    expect(reads.takeAll()).toEqual([1, 2]);
    expect(reads.answered(1)).toEqual([]);
  });
});
