import type { Consistency } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import type { Raft } from '@d-engine/raft';
import { expect, test } from 'vitest';
import { Deadlines } from './deadlines.ts';
import type { ReadReply } from './reads.ts';
import { Reads } from './reads.ts';
import { ManualClock } from './testing/manual-clock.ts';

const noScans = { scan: () => ({ entries: [], hasMore: false }), lease: () => null };

function setUp(options: { pendingMax?: number; bootCount?: number } = {}) {
  const { pendingMax = 10, bootCount = 1 } = options;
  const clock = new ManualClock();
  const state = { appliedIndex: 10, revision: 10, get: () => [null], ...noScans };
  const asked: number[] = [];
  const counts: string[] = [];
  const raft = {
    role: 'leader',
    commitIndex: 10,
    lease: false,
    leaseValid: () => raft.lease,
    readIndex: (readId: number) => asked.push(readId),
  };
  const reads = new Reads({
    clock,
    deadlines: new Deadlines(clock),
    state,
    pendingMax,
    leaderWaitMs: 300,
    bootCount,
    requestTurn: () => undefined,
    metrics: {
      leaseReads: { add: () => counts.push('lease') },
      readConfirmations: { add: () => counts.push('confirmation') },
    },
  });
  const replies: ReadReply[] = [];
  const submit = (consistency: Consistency, minRevision = 0): DEngineError | undefined =>
    reads.submit({
      question: { type: 'keys', keys: [new Uint8Array([1])] },
      consistency,
      minRevision,
      deadlineMs: 1_000,
      settle: (reply) => replies.push(reply),
    });
  const start = (): void => reads.start(raft as unknown as Raft, clock.now());
  const apply = (index: number): void => {
    state.appliedIndex = index;
    state.revision = index;
    reads.onApplied();
  };
  const refuse = (readId: number): void =>
    reads.resolve(
      { type: 'refused', readId },
      () => new DEngineError('ClusterUnavailable', 'none'),
    );
  const confirm = (readId: number, index: number): void =>
    reads.resolve({ type: 'ready', readId, index }, () => new DEngineError('General', 'never'));
  return { clock, reads, raft, asked, counts, replies, submit, start, apply, refuse, confirm };
}

const ok: unknown = expect.objectContaining({ ok: true });

function errors(replies: readonly ReadReply[]): string[] {
  return replies.map((reply) => (reply.ok ? 'ok' : reply.error.name));
}

test('reads of one turn share a confirmation, and wait until that index is applied', () => {
  const { asked, replies, submit, start, apply, confirm } = setUp();
  submit('linearizable');
  submit('linearizable');
  start();
  expect(asked).toHaveLength(1);
  confirm(asked[0] as number, 12);
  expect(replies).toEqual([]);
  apply(11);
  expect(replies).toEqual([]);
  apply(12);
  expect(replies).toEqual([ok, ok]);
});

test('a lease read is answered alone while the lease holds, and confirmed when it does not', () => {
  const { counts, raft, asked, replies, submit, start } = setUp();
  raft.lease = true;
  submit('lease');
  start();
  expect(replies).toEqual([ok]);
  raft.lease = false;
  submit('lease');
  start();
  expect(asked).toHaveLength(1);
  expect(replies).toHaveLength(1);
  expect(counts).toEqual(['lease', 'confirmation']);
});

test('a lease read waits for what is committed and not applied yet', () => {
  const { raft, replies, submit, start, apply } = setUp();
  raft.lease = true;
  raft.commitIndex = 11;
  submit('lease');
  start();
  expect(replies).toEqual([]);
  apply(11);
  expect(replies).toEqual([ok]);
});

test('an eventual read waits only for the revision that its caller has seen', () => {
  const { replies, submit, start, apply } = setUp();
  submit('eventual');
  submit('eventual', 11);
  start();
  expect(replies).toHaveLength(1);
  apply(11);
  expect(replies).toEqual([ok, ok]);
});

test('a refused read asks again while there is hope for a leader', () => {
  const { clock, asked, replies, submit, start, refuse, confirm } = setUp();
  submit('linearizable');
  start();
  refuse(asked[0] as number);
  clock.advance(60);
  start();
  expect(asked).toHaveLength(2);
  confirm(asked[1] as number, 10);
  expect(replies).toEqual([ok]);
  submit('linearizable');
  start();
  clock.advance(400);
  refuse(asked[2] as number);
  expect(errors(replies)).toEqual(['ok', 'ClusterUnavailable']);
});

test('an expired read says whether a quorum was missing or this member was behind', () => {
  const { clock, asked, reads, replies, submit, start, confirm } = setUp();
  submit('linearizable');
  start();
  clock.advance(1_100);
  submit('linearizable');
  start();
  confirm(asked[1] as number, 20);
  clock.advance(1_100);
  expect(errors(replies)).toEqual(['ClusterUnavailable', 'DeadlineExceeded']);
  confirm(asked[0] as number, 10);
  expect(replies).toHaveLength(2);
  expect(reads.pendingCount).toBe(0);
});

test('pending reads have a bound, and a stop answers each of them once', () => {
  const { asked, reads, replies, submit, start, refuse, confirm } = setUp({ pendingMax: 4 });
  submit('linearizable');
  start();
  refuse(asked[0] as number);
  submit('linearizable');
  start();
  confirm(asked[1] as number, 99);
  submit('linearizable');
  start();
  submit('linearizable');
  expect(submit('linearizable')?.name).toBe('RateLimited');
  reads.failAll('stopping');
  expect(errors(replies)).toEqual(['Stopped', 'Stopped', 'Stopped', 'Stopped']);
  expect(reads.pendingCount).toBe(0);
});

test('reads that come after all were failed ask again as those before did', () => {
  const { clock, reads, asked, submit, start, refuse, replies } = setUp();
  submit('linearizable');
  start();
  refuse(asked[0] as number);
  reads.failAll('for now');
  submit('linearizable');
  start();
  refuse(asked[1] as number);
  clock.advance(100);
  start();
  expect(asked).toHaveLength(3);
  expect(replies).toHaveLength(1);
});

test('no question to the leader is named as one of the run before', () => {
  const names = new Set<number>();
  for (const bootCount of [1, 2, 3]) {
    const { asked, submit, start } = setUp({ bootCount });
    for (let turn = 0; turn < 3; turn++) {
      submit('linearizable');
      start();
    }
    for (const name of asked) names.add(name);
  }
  expect(names.size).toBe(9);
  expect([...names].every(Number.isSafeInteger)).toBe(true);
});
