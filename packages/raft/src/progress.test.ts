import { limits } from '@d-engine/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Progress } from './progress.ts';

function replicating(matchIndex: number): Progress {
  const progress = new Progress(2, matchIndex + 1);
  progress.acknowledge(matchIndex);
  progress.becomeReplicate();
  return progress;
}

describe('Progress', () => {
  test('probes one append at a time', () => {
    const progress = new Progress(2, 10);
    expect(progress.isPaused).toBe(false);
    progress.sent(12, 100, 5);
    expect(progress.isPaused).toBe(true);
    expect(progress.nextIndex).toBe(10);
  });

  test('replicates without waiting, until the window is full', () => {
    const progress = replicating(5);
    for (let count = 0; count < limits.inflightMessagesMax; count++) {
      expect(progress.isPaused).toBe(false);
      progress.sent(progress.nextIndex, 1, 0);
    }
    expect(progress.isPaused).toBe(true);
    expect(progress.acknowledge(6)).toBe(true);
    expect(progress.isPaused).toBe(false);
  });

  test('the window also counts bytes', () => {
    const progress = replicating(5);
    progress.sent(6, limits.inflightBytesMax, 0);
    expect(progress.isPaused).toBe(true);
    progress.acknowledge(6);
    expect(progress.isPaused).toBe(false);
    expect(progress.inflight.count).toBe(0);
  });

  test('a refusal while replicating goes back to what is known, and probes', () => {
    const progress = replicating(5);
    progress.sent(9, 1, 0);
    expect(progress.reject(5, 5)).toBe(false);
    expect(progress.reject(9, 7)).toBe(true);
    expect(progress.state).toBe('probe');
    expect(progress.nextIndex).toBe(6);
    expect(progress.reject(8, 3)).toBe(false);
  });

  test('a refusal while probing follows the hint; an old one changes nothing', () => {
    const progress = new Progress(2, 100);
    progress.sent(99, 0, 0);
    expect(progress.reject(50, 20)).toBe(false);
    expect(progress.isPaused).toBe(true);
    expect(progress.reject(99, 20)).toBe(true);
    expect(progress.nextIndex).toBe(21);
    expect(progress.isPaused).toBe(false);
  });

  test('another instance starts over', () => {
    const progress = replicating(5);
    progress.ackedToken = 7;
    progress.startOver('other', 9);
    expect(progress).toMatchObject({ matchIndex: 0, nextIndex: 9, ackedToken: 0, state: 'probe' });
  });

  test('0 <= match < next, whatever comes', () => {
    const steps = fc.array(fc.tuple(fc.nat({ max: 4 }), fc.nat({ max: 30 }), fc.nat({ max: 30 })));
    fc.assert(
      fc.property(steps, (list) => {
        const progress = new Progress(2, 10);
        for (const [kind, first, second] of list) {
          if (kind === 0) progress.acknowledge(first);
          else if (kind === 1) progress.reject(first, second);
          else if (kind === 2 && progress.state === 'probe') progress.becomeReplicate();
          else if (kind === 3) progress.becomeProbe();
          else if (!progress.isPaused) progress.sent(progress.nextIndex + second, 1, 0);
          expect(progress.matchIndex).toBeLessThan(progress.nextIndex);
          expect(progress.matchIndex).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  test('another instance starts over, but counts no sooner than a late binding allows', () => {
    const progress = replicating(5);
    progress.countsFrom = 9;
    progress.startOver('other', 12);
    expect(progress).toMatchObject({ matchIndex: 0, nextIndex: 12, state: 'probe' });
    expect(progress.countsFrom).toBe(9);
  });

  test('while a snapshot is sent nothing is appended, and a lost stream changes nothing', () => {
    const progress = replicating(5);
    progress.becomeSnapshot();
    expect(progress.isPaused).toBe(true);
    progress.becomeProbe();
    expect(progress.reject(6, 0)).toBe(false);
    expect(progress.state).toBe('snapshot');
    progress.acknowledge(7);
    progress.leaveSnapshot(20);
    expect(progress).toMatchObject({
      state: 'probe',
      matchIndex: 7,
      nextIndex: 21,
      snapshotIndex: 0,
    });
    expect(progress.isPaused).toBe(false);
  });

  test('another instance ends the snapshot of the old one', () => {
    const progress = replicating(5);
    progress.becomeSnapshot();
    progress.startOver('other', 9);
    expect(progress).toMatchObject({ state: 'probe', nextIndex: 9, snapshotIndex: 0 });
  });

  test('is told of a commit after a while, once, unless something else told it', () => {
    const progress = replicating(5);
    expect(progress.commitDueMs).toBe(Number.POSITIVE_INFINITY);
    progress.owesCommit(4, 102);
    expect(progress.commitDueMs).toBe(102);
    // A newer one does not put it off.
    progress.owesCommit(5, 103);
    expect(progress.commitDueMs).toBe(102);
    progress.tellsCommit(5);
    progress.owesCommit(5, 105);
    expect(progress.commitDueMs).toBe(Number.POSITIVE_INFINITY);
  });

  test('is not told of what it does not have, nor woken for while it may get nothing', () => {
    const progress = replicating(5);
    progress.tellsCommit(5);
    progress.owesCommit(9, 100);
    expect(progress.commitDueMs).toBe(Number.POSITIVE_INFINITY);
    progress.acknowledge(7);
    progress.owesCommit(9, 102);
    expect(progress.commitDueMs).toBe(102);
    progress.wantedFrom = 8;
    expect(progress.commitDueMs).toBe(Number.POSITIVE_INFINITY);
  });
});
