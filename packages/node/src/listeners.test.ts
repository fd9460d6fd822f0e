import { silentLogger } from '@d-engine/base';
import { expect, test } from 'vitest';
import { Listeners } from './listeners.ts';

test('a listener that throws is logged, and the others are told', () => {
  const lines: unknown[] = [];
  const logger = { ...silentLogger, error: (...line: unknown[]) => void lines.push(line) };
  const listeners = new Listeners<number>(logger, 'leader changes');
  const heard: number[] = [];
  listeners.add(() => {
    throw new Error('a mistake');
  });
  const forget = listeners.add((value) => heard.push(value));
  listeners.tell(1);
  forget();
  listeners.tell(2);
  expect(heard).toEqual([1]);
  const line = ['a listener to leader changes failed', { error: 'a mistake' }];
  expect(lines).toEqual([line, line]);
});
