import { silentLogger } from '@d-engine/base';
import { expect, test } from 'vitest';
import { MetricsRegistry } from './env/index.ts';
import { RefusalLog } from './refusal-log.ts';

function refusals() {
  const lines: string[] = [];
  let nowMs = 0;
  const metrics = new MetricsRegistry();
  const warn = (message: string, fields?: object): void => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  const log = new RefusalLog({ ...silentLogger, warn }, metrics, () => nowMs);
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { lines, log, pass, metrics };
}

test('each reason is said at once, and again after a minute with how often it came', () => {
  const { lines, log, pass, metrics } = refusals();
  for (let count = 0; count < 5; count++) log.note(new Error('no TLS'));
  log.note(new Error('no certificate'));
  expect(lines).toEqual(['no TLS {}', 'no certificate {}']);
  pass(60_000);
  log.note(new Error('no TLS'));
  expect(lines.slice(2)).toEqual(['no TLS {"since_the_last_line":4}']);
  expect(metrics.render()).toContain('d_engine_connections_refused_total 7');
});

test('made-up reasons fill neither memory nor the log', () => {
  const { lines, log, pass } = refusals();
  for (let count = 0; count < 1_000; count++) log.note(new Error(`reason ${count}`));
  expect(lines).toHaveLength(101);
  pass(60_000);
  for (let count = 1_000; count < 2_000; count++) log.note(new Error(`reason ${count}`));
  expect(lines).toHaveLength(102);
});
