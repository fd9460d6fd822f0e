import type { Clock, Entry, Metrics } from '@d-engine/base';
import { DEngineError, silentMetrics } from '@d-engine/base';
import type { Outgoing, Raft } from '@d-engine/raft';
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
    question: { type: 'keys', keys: [] },
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

test('an append that does not reach the end of the log counts as cut, and no other message', () => {
  const { metrics, counts } = countingMetrics();
  const node = new NodeMetrics(metrics, clock);
  const append = (prevLogIndex: number, entries: number): Outgoing => ({
    to: 2,
    message: {
      type: 'appendRequest',
      term: 1,
      leaderCommit: 0,
      token: 1,
      stickinessMs: 200,
      prevLogIndex,
      prevLogTerm: 1,
      entries: Array.from({ length: entries }, () => ({}) as Entry),
    },
  });
  node.sent([append(3, 2), append(5, 0), append(3, 1)], 5);
  expect(counts.get('d_engine_cut_appends_total')).toBe(1);
});

test('a leader that is lost and found again is no other leader', () => {
  const { metrics, counts } = countingMetrics();
  const node = new NodeMetrics(metrics, clock);
  for (const leaderId of [null, 2, 2, null, 2, 3]) node.leaderSeen(leaderId);
  expect(counts.get('d_engine_leader_changes_total')).toBe(2);
});

test('the flush lag is what is in memory only', () => {
  const gauges = new Map<string, number>();
  const node = new NodeMetrics(
    { ...silentMetrics, gauge: (name) => ({ set: (value) => gauges.set(name, value) }) },
    clock,
  );
  const raft = { lastLogIndex: 12, durableIndex: 9, progress: () => [] } as unknown as Raft;
  const counts = { keyCount: 3, expiringKeyCount: 0, leaseCount: 0, sessionCount: 0 };
  const state = { appliedIndex: 9, ...counts, stateBytes: 4, durableIndex: 5, pendingBytes: 6 };
  node.refresh({ raft, state, pendingWrites: 0, pendingReads: 0, isDiskFull: false });
  expect(gauges.get('d_engine_flush_lag_entries')).toBe(3);
  const shown = ['state_bytes', 'state_durable_index', 'state_pending_bytes'];
  expect(shown.map((name) => gauges.get(`d_engine_${name}`))).toEqual([4, 5, 6]);
});
