import { silentLogger } from '@d-engine/base';
import { expect, test } from 'vitest';
import { Stalls } from './stalls.ts';
import { ManualClock } from './testing/manual-clock.ts';

test('a stall that two notice is told once, the next one again', () => {
  const clock = new ManualClock();
  const lines: string[] = [];
  const seen: number[] = [];
  const logger = { ...silentLogger, warn: (line: string) => void lines.push(line) };
  const stalls = new Stalls({ clock, logger, onStall: () => seen.push(lines.length) });
  clock.jump(900);
  stalls.note(899.7);
  clock.jump(2);
  stalls.note(700);
  expect([seen.length, lines]).toEqual([1, ['event loop blocked 900 ms']]);
  clock.jump(1_000);
  stalls.note(600);
  expect([seen.length, lines.at(-1)]).toEqual([2, 'event loop blocked 600 ms']);
});
