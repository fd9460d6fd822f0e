import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkLinearizability } from '../../src/history/check-history.ts';
import { isJepsenLog, parseJepsenLog } from '../../src/history/jepsen-log.ts';
import type { Operation } from '../../src/history/operation.ts';

const folder = join(import.meta.dirname, 'jepsen');
const verdicts = readFileSync(join(folder, 'verdicts.txt'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => line.split(' ') as [string, string]);

function operationsOf(file: string): Operation[] {
  return parseJepsenLog(readFileSync(join(folder, file), 'utf8'));
}

describe('recorded histories of etcd with known verdicts', () => {
  test('are all here', () => {
    expect(verdicts).toHaveLength(51);
    expect(new Set(verdicts.map(([, verdict]) => verdict)).size).toBe(2);
  });

  test.each(verdicts)('%s is %s', (file, expected) => {
    const verdict = checkLinearizability(operationsOf(file));
    expect(verdict.type).toBe(expected === 'linearizable' ? 'linearizable' : 'notLinearizable');
    if (verdict.type !== 'notLinearizable') return;
    // What is shown is itself a history that no order explains.
    expect(checkLinearizability(verdict.part).type).toBe('notLinearizable');
    expect(verdict.part.length).toBeLessThan(40);
  });
});

describe('a jepsen log', () => {
  const line = (client: number, type: string, operation: string, value: string): string =>
    `INFO  jepsen.util - ${client}\t:${type}\t:${operation}\t${value}`;

  test('is told from other texts', () => {
    expect(isJepsenLog(`${'noise\n'.repeat(200)}${line(1, 'invoke', 'read', 'nil')}`)).toBe(true);
    expect(isJepsenLog('noise\n')).toBe(false);
  });

  test('has operations without an answer at its end', () => {
    const [operation] = parseJepsenLog(line(1, 'invoke', 'write', '3'));
    expect(operation).toMatchObject({ settledAtMs: Infinity, outcome: { type: 'unknown' } });
  });

  test('has reads that saw nothing when they timed out', () => {
    const text = [line(1, 'invoke', 'read', 'nil'), line(1, 'fail', 'read', ':timed-out')];
    expect(parseJepsenLog(text.join('\n'))[0]?.outcome).toEqual({ type: 'refused' });
  });

  test.each([
    [[line(1, 'ok', 'read', '1')], 'line 1: client 1 asked for nothing'],
    [
      [line(1, 'invoke', 'read', 'nil'), line(1, 'invoke', 'read', 'nil')],
      'line 2: client 1 is busy',
    ],
    [[line(1, 'invoke', 'cas', '[1]')], 'line 1: "[1]" is no [expected new]'],
    [[line(1, 'invoke', 'append', '1')], 'line 1: "append" is no operation on a register'],
    [
      [line(1, 'invoke', 'cas', '[1 2]'), line(1, 'ok', 'read', '1')],
      'line 2: client 1 asked for something else',
    ],
    [[line(1, 'invoke', 'write', 'x')], 'line 1: "x" is no number'],
    [[line(1, 'invoke', 'read', 'nil'), line(1, 'ok', 'read', '?')], 'line 2: "?" is no value'],
  ])('%j is refused', (lines, message) => {
    expect(() => parseJepsenLog(lines.join('\n'))).toThrow(message);
  });
});
