import type { Clock, Metrics } from '@d-engine/base';
import { DEngineError, silentMetrics } from '@d-engine/base';
import { expect, test } from 'vitest';
import { NodeMetrics } from './node-metrics.ts';

/** Counters by name; the rest counts nothing. */
function countingMetrics(): { metrics: Metrics; counts: Map<string, number> } {
  const counts = new Map<string, number>();
  const metrics: Metrics = {
    ...silentMetrics,
    counter: (name) => {
      counts.set(name, 0);
      return { add: (amount = 1) => counts.set(name, (counts.get(name) ?? 0) + amount) };
    },
  };
  return { metrics, counts };
}

const clock = { monotonicMs: () => 0 } as Clock;
const failure = { ok: false, error: new DEngineError('ClusterUnavailable', 'no leader') } as const;

test('a write counts when it is asked for and when it fails; its caller hears of both', () => {
  const { metrics, counts } = countingMetrics();
  const node = new NodeMetrics(metrics, clock);
  const replies: boolean[] = [];
  const settle = node.countedWrite((reply) => replies.push(reply.ok));
  expect(counts.get('d_engine_writes_total')).toBe(1);
  settle(failure);
  node.countedWrite((reply) => replies.push(reply.ok))({
    ok: true,
    outcome: { succeeded: true, revision: 7 },
  });
  expect(replies).toEqual([false, true]);
  expect(counts.get('d_engine_writes_total')).toBe(2);
  expect(counts.get('d_engine_write_failures_total')).toBe(1);
});

test('a read likewise', () => {
  const { metrics, counts } = countingMetrics();
  const node = new NodeMetrics(metrics, clock);
  const replies: boolean[] = [];
  const request = node.countedRead({
    keys: [],
    consistency: 'eventual',
    minRevision: 0,
    deadlineMs: 1,
    settle: (reply) => replies.push(reply.ok),
  });
  request.settle(failure);
  expect(replies).toEqual([false]);
  expect(counts.get('d_engine_reads_total')).toBe(1);
  expect(counts.get('d_engine_read_failures_total')).toBe(1);
});

test('a leader that is lost and found again is no other leader', () => {
  const { metrics, counts } = countingMetrics();
  const node = new NodeMetrics(metrics, clock);
  for (const leaderId of [null, 2, 2, null, 2, 3]) node.leaderSeen(leaderId);
  expect(counts.get('d_engine_leader_changes_total')).toBe(2);
});
