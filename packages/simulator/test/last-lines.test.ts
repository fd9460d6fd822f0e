import { expect, test } from 'vitest';
import { LastLines } from '../src/last-lines.ts';

test('the last lines of each member, but for heartbeats and the like', () => {
  const last = new LastLines();
  for (let number = 1; number <= 30; number++) {
    last.add(`${number} n2 info state`, 'n2');
    last.add(`${number} n2 trace heartbeatRequest to peer 1`, 'n2');
  }
  last.add('31  fault kill, victim n1', '');
  last.add('32 n1 error a defect', 'n1');
  expect(last.lines.slice(0, 4)).toEqual([
    'faults:',
    '  31  fault kill, victim n1',
    'n1:',
    '  32 n1 error a defect',
  ]);
  const ofSecond = Array.from({ length: 20 }, (_, index) => `  ${index + 11} n2 info state`);
  expect(last.lines.slice(4)).toEqual(['n2:', ...ofSecond]);
});
