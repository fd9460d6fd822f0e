import { spawnSync } from 'node:child_process';
import { InvariantViolation } from '@d-engine/base';
import { describe, expect, it } from 'vitest';
import { MetricsRegistry } from './real-metrics.ts';

function example(): MetricsRegistry {
  const registry = new MetricsRegistry();
  registry.gauge('d_engine_term', 'The term.').set(7);
  registry.counter('d_engine_writes_total', 'Writes,\nby \\ peer.', { peer: 'b"\\\n' }).add(2.5);
  registry.counter('d_engine_writes_total', 'Writes.', { peer: 'a', zone: 'x' }).add();
  const bounds = [0.1, 1, 10];
  const histogram = registry.histogram('d_engine_flush_seconds', 'Flushes.', bounds, { disk: '1' });
  for (const value of [0.05, 0.1, 0.5, 100, Number.NaN]) histogram.observe(value);
  return registry;
}

describe('the text', () => {
  it('is what Prometheus reads', () => {
    expect(example().render()).toBe(
      [
        '# HELP d_engine_flush_seconds Flushes.',
        '# TYPE d_engine_flush_seconds histogram',
        'd_engine_flush_seconds_bucket{disk="1",le="0.1"} 2',
        'd_engine_flush_seconds_bucket{disk="1",le="1"} 3',
        'd_engine_flush_seconds_bucket{disk="1",le="10"} 3',
        'd_engine_flush_seconds_bucket{disk="1",le="+Inf"} 4',
        'd_engine_flush_seconds_sum{disk="1"} 100.65',
        'd_engine_flush_seconds_count{disk="1"} 4',
        '# HELP d_engine_term The term.',
        '# TYPE d_engine_term gauge',
        'd_engine_term 7',
        '# HELP d_engine_writes_total Writes,\\nby \\\\ peer.',
        '# TYPE d_engine_writes_total counter',
        'd_engine_writes_total{peer="a",zone="x"} 1',
        'd_engine_writes_total{peer="b\\"\\\\\\n"} 2.5',
        '',
      ].join('\n'),
    );
  });

  it('is empty without metrics and knows the special numbers', () => {
    const registry = new MetricsRegistry();
    expect(registry.render()).toBe('');
    registry.gauge('a', '').set(Infinity);
    registry.gauge('b', '').set(-Infinity);
    registry.gauge('c', '').set(Number.NaN);
    registry.histogram('d', '', []).observe(1e21);
    const values = registry
      .render()
      .split('\n')
      .filter((line) => !line.startsWith('#'));
    const buckets = ['d_bucket{le="+Inf"} 1', 'd_sum 1e+21', 'd_count 1'];
    expect(values).toEqual(['a +Inf', 'b -Inf', 'c NaN', ...buckets, '']);
  });

  it('passes promtool', ({ skip }) => {
    const input = example().render();
    const result = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
    if (result.error !== undefined) skip('not run: promtool missing');
    expect(`${result.stdout}${result.stderr}`).toBe('');
    expect(result.status).toBe(0);
  });
});

describe('a series', () => {
  it('is the same for the same name and labels', () => {
    const registry = new MetricsRegistry();
    const labels = { a: '1', b: '2' };
    expect(registry.counter('n', '', { b: '2', a: '1' })).toBe(registry.counter('n', '', labels));
    expect(registry.counter('n', '', { a: '1' })).not.toBe(registry.counter('n', '', labels));
    expect(registry.histogram('h', '', [1])).toBe(registry.histogram('h', '', [1]));
  });

  it.each<[string, (registry: MetricsRegistry) => unknown]>([
    ['another type', (registry) => registry.gauge('d_engine_writes_total', '')],
    ['other bounds', (registry) => registry.histogram('d_engine_flush_seconds', '', [1])],
    ['bounds that fall', (registry) => registry.histogram('x', '', [2, 1])],
    ['a bad name', (registry) => registry.gauge('a-b', '')],
    ['a bad label', (registry) => registry.gauge('x', '', { 'a-b': '' })],
    ['the label of buckets', (registry) => registry.histogram('x', '', [1], { le: '1' })],
    ['a counter that falls', (registry) => registry.counter('x', '').add(-1)],
  ])('with %s is a defect', (_, defect) => {
    expect(() => defect(example())).toThrow(InvariantViolation);
  });
});
