import { expect, test } from 'vitest';
import { MetricsRegistry } from '../../env/index.ts';
import type { SeriesChange } from './metrics-relay.ts';
import { applyChanges, MetricsRelay } from './metrics-relay.ts';

function relayTo(registry: MetricsRegistry): { relay: MetricsRelay; sent: SeriesChange[][] } {
  const sent: SeriesChange[][] = [];
  const relay = new MetricsRelay((changes) => {
    sent.push([...changes]);
    applyChanges(registry, changes);
  });
  return { relay, sent };
}

test('what is counted on one side is counted on the other, once', () => {
  const there = new MetricsRegistry();
  const here = new MetricsRegistry();
  const { relay } = relayTo(here);
  for (const metrics of [relay, there]) {
    const puts = metrics.counter('puts_total', 'Puts', { kind: 'put' });
    puts.add();
    puts.add(4);
    const term = metrics.gauge('term', 'Term');
    term.set(1);
    term.set(2);
    const took = metrics.histogram('took_ms', 'Time', [1, 10]);
    for (const value of [0.5, 5, 50]) took.observe(value);
  }
  relay.flush();
  relay.flush();
  expect(here.render()).toBe(there.render());
});

test('a flush tells only what is new', () => {
  const { relay, sent } = relayTo(new MetricsRegistry());
  const counter = relay.counter('a_total', 'A');
  relay.counter('b_total', 'B');
  counter.add();
  relay.flush();
  relay.flush();
  expect(sent.map((changes) => changes.map(({ name }) => name))).toEqual([['a_total']]);
});

test('a busy histogram does not wait for the next flush', () => {
  const { relay, sent } = relayTo(new MetricsRegistry());
  const took = relay.histogram('took_ms', 'Time', [1]);
  for (let count = 0; count < 1_000; count += 1) took.observe(count);
  expect(sent).toHaveLength(1);
  expect(sent[0]?.[0]?.values).toHaveLength(1_000);
});
