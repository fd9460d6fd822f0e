import { expect, test } from 'vitest';
import { countLeaderChanges } from './leader-changes.ts';
import { describeEnd } from './nodes.ts';

test('a process may end as it was ordered to, and in no other way', () => {
  expect(describeEnd('SIGKILL', { code: null, signal: 'SIGKILL' })).toBeUndefined();
  expect(describeEnd('SIGTERM', { code: 0, signal: null })).toBeUndefined();
  expect(describeEnd('SIGTERM', { code: null, signal: 'SIGTERM' })).toBeUndefined();

  const byItself = describeEnd(undefined, { code: 1, signal: null });
  expect(byItself).toBe('ended with exit code 1, and nobody had ended it');
  const outOfMemory = describeEnd(undefined, { code: null, signal: 'SIGKILL' });
  expect(outOfMemory).toBe('ended with SIGKILL, and nobody had ended it');
  const stopFailed = describeEnd('SIGTERM', { code: 1, signal: null });
  expect(stopFailed).toBe('was sent SIGTERM and ended with exit code 1');
  const diedBefore = describeEnd('SIGKILL', { code: 1, signal: null });
  expect(diedBefore).toBe('was sent SIGKILL and ended with exit code 1');
});

test('a leader change is another leader, not the first one nor one that is elected anew', () => {
  const line = (node: number, term: number): string =>
    `2026-01-01T00:00:00Z INFO Became leader node=${node} term=${term}`;
  expect(countLeaderChanges([`${line(1, 1)}\n${line(1, 3)}\n`, ''])).toBe(0);
  expect(countLeaderChanges([`${line(1, 1)}\n${line(1, 10)}`, line(2, 9)])).toBe(2);
});
