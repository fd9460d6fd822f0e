import type { NodeId } from '@d-engine/base';
import { beforeEach, describe, expect, test } from 'vitest';
import { Memberships } from '../src/memberships.ts';

const ids = [1, 2, 3, 4, 5] as const;
const nobody = (): boolean => false;

let nowMs: number;
let memberships: Memberships;

beforeEach(() => {
  nowMs = 0;
  memberships = new Memberships(ids, () => nowMs);
});

/** They run, are bound, and these know it. */
function bind(bound: readonly NodeId[], knownBy: readonly NodeId[] = ids): void {
  for (const id of bound) {
    memberships.onRunning(id, `first disk of ${id}`);
    for (const other of knownBy) memberships.onBound(id, `first disk of ${id}`, other);
  }
}

function join(...joined: readonly NodeId[]): void {
  for (const id of joined) memberships.onJoined(id);
}

function wipe(id: NodeId): void {
  memberships.onWiped(id);
  memberships.onRunning(id, `second disk of ${id}`);
}

test('a member is bound once a majority knows it, and settled after a while', () => {
  bind([1], [1, 2]);
  expect(memberships.isBound(1)).toBe(false);
  bind([1], [3]);
  expect(memberships.isBound(1)).toBe(true);
  nowMs = 9_999;
  expect(memberships.isSettled(1)).toBe(false);
  nowMs = 10_000;
  expect(memberships.isSettled(1)).toBe(true);
});

test('one that counts is out from the moment in which its disk is wiped', () => {
  bind(ids);
  nowMs = 10_000;
  memberships.onWiped(2);
  expect(memberships.isOut(2)).toBe(true);
  memberships.onRunning(2, 'second disk of 2');
  expect(memberships.isOut(2)).toBe(true);
  expect(memberships.isBound(2)).toBe(false);
  expect(memberships.isSettled(2)).toBe(false);
  expect(memberships.isOut(1)).toBe(false);
});

test('one that never counted comes back, unless its old disk is bound after all', () => {
  memberships.onRunning(2, 'first disk of 2');
  wipe(2);
  expect(memberships.isOut(2)).toBe(false);
  memberships.onBound(2, 'second disk of 2', 1);
  expect(memberships.isOut(2)).toBe(false);
  memberships.onRunning(3, 'first disk of 3');
  wipe(3);
  memberships.onBound(3, 'first disk of 3', 1);
  expect(memberships.isOut(3)).toBe(true);
});

describe('a disk can be lost', () => {
  test('only once a majority of the others is settled', () => {
    bind(ids);
    join(...ids);
    nowMs = 9_999;
    expect(memberships.canLose(1, nobody)).toBe(false);
    nowMs = 10_000;
    expect(memberships.canLose(1, nobody)).toBe(true);
  });

  test('as long as the others are a majority, those that are out and away left aside', () => {
    bind(ids);
    join(...ids);
    nowMs = 10_000;
    wipe(5);
    expect(memberships.canLose(4, nobody)).toBe(true);
    expect(memberships.canLose(4, (id) => id === 1)).toBe(false);
    wipe(4);
    expect(memberships.canLose(3, nobody)).toBe(false);
  });

  test('by one that does not count only while enough others do', () => {
    bind([1, 2, 3]);
    join(...ids);
    nowMs = 10_000;
    expect(memberships.canLose(4, nobody)).toBe(true);
    // 2 and 3 alone could not bind the others.
    expect(memberships.canLose(1, nobody)).toBe(false);
  });

  test('never where empty members could found another cluster', () => {
    bind(ids);
    join(1, 2, 3);
    nowMs = 10_000;
    expect(memberships.canLose(5, nobody)).toBe(true);
    // 3, 4 and 5 would be a majority that knows of none.
    expect(memberships.canLose(3, nobody)).toBe(false);
    join(4);
    expect(memberships.canLose(3, nobody)).toBe(true);
    wipe(4);
    expect(memberships.canLose(3, nobody)).toBe(false);
  });
});
