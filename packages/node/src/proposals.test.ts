import type { Entry } from '@d-engine/base';
import { DEngineError, encodeEntries, encodeWriteCommand, entryKinds } from '@d-engine/base';
import type { ProposeResult, Raft } from '@d-engine/raft';
import { stateGrowthMax } from '@d-engine/storage';
import { expect, test } from 'vitest';
import { Deadlines } from './deadlines.ts';
import type { WriteReply } from './proposals.ts';
import { Proposals } from './proposals.ts';
import { StateQuota } from './state-quota.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { roomyQuota } from './testing/roomy-quota.ts';

const command = encodeWriteCommand({ type: 'delete', key: new Uint8Array([1]) });
const result = { type: 'put', revision: 5 } as const;

function entryAt(index: number, term: number): Entry {
  const proposal = { kind: entryKinds.command, payload: command };
  return encodeEntries([proposal], index, term, 0)[0] as Entry;
}

function setUp(pendingMax = 10, batchMax = 2, quota = roomyQuota()) {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  const proposals = new Proposals({ clock, deadlines, pendingMax, batchMax, quota });
  const replies = new Map<string, WriteReply>();
  const submit = (name: string): DEngineError | undefined =>
    proposals.submit(command, 1_000, (reply) => {
      expect(replies.has(name)).toBe(false);
      replies.set(name, reply);
    });
  /** Raft takes the next batch at this place, or refuses it. */
  const propose = (place: { index: number; term: number } | undefined): number => {
    let taken = 0;
    const raft = {
      propose: (batch: readonly unknown[]): ProposeResult => {
        taken = batch.length;
        if (place === undefined) return { accepted: false, reason: 'notLeader', leaderId: 2 };
        const { index, term } = place;
        return { accepted: true, firstIndex: index, lastIndex: index + taken - 1, term };
      },
    } as unknown as Raft;
    proposals.propose(raft, clock.now(), () => new DEngineError('NotLeader', 'not here'));
    return taken;
  };
  return { clock, proposals, replies, submit, propose };
}

function errorOf(reply: WriteReply | undefined): string {
  return reply === undefined || reply.ok ? 'none' : reply.error.name;
}

test('a write is answered by what is applied at its index', () => {
  const { proposals, replies, submit, propose } = setUp();
  submit('a');
  propose({ index: 3, term: 1 });
  expect(replies.size).toBe(0);
  proposals.settleApplied(entryAt(3, 1), result);
  expect(replies.get('a')).toMatchObject({ ok: true, outcome: { revision: 5 } });
  expect(proposals.pendingCount).toBe(0);
});

test('another entry at its index means that the write never took effect', () => {
  const { proposals, replies, submit, propose } = setUp();
  submit('a');
  propose({ index: 3, term: 1 });
  proposals.settleApplied(entryAt(3, 2), result);
  expect(errorOf(replies.get('a'))).toBe('LeaderChanged');
});

test('of two leaderships that proposed at one index, the one that is applied wins', () => {
  const { proposals, replies, submit, propose } = setUp();
  submit('old');
  propose({ index: 3, term: 1 });
  submit('new');
  propose({ index: 3, term: 4 });
  // The older entry came back: another member had it (Raft paper, figure 8).
  proposals.settleApplied(entryAt(3, 1), result);
  expect(replies.get('old')).toMatchObject({ ok: true });
  expect(errorOf(replies.get('new'))).toBe('LeaderChanged');
});

test('an expired write that was proposed is unknown, and is not answered again', () => {
  const { clock, proposals, replies, submit, propose } = setUp();
  submit('a');
  propose({ index: 3, term: 1 });
  clock.advance(1_100);
  expect(errorOf(replies.get('a'))).toBe('ProposeFailed');
  proposals.settleApplied(entryAt(3, 1), result);
});

test('an expired write that was never proposed had no effect, and is never proposed', () => {
  const { clock, replies, submit, propose } = setUp();
  submit('a');
  clock.advance(1_100);
  expect(errorOf(replies.get('a'))).toBe('ClusterUnavailable');
  expect(propose({ index: 3, term: 1 })).toBe(0);
});

test('batches and pending writes have a bound', () => {
  const { replies, submit, propose } = setUp(3, 2);
  for (const name of ['a', 'b', 'c']) expect(submit(name)).toBeUndefined();
  expect(submit('d')?.name).toBe('RateLimited');
  expect(propose({ index: 1, term: 1 })).toBe(2);
  expect(propose(undefined)).toBe(1);
  expect(errorOf(replies.get('c'))).toBe('NotLeader');
});

test('a stop tells queued writes from proposed ones', () => {
  const { proposals, replies, submit, propose } = setUp();
  submit('proposed');
  propose({ index: 1, term: 1 });
  submit('queued');
  proposals.failAll('stopping');
  expect(errorOf(replies.get('proposed'))).toBe('ProposeFailed');
  expect(errorOf(replies.get('queued'))).toBe('Stopped');
  expect(proposals.pendingCount).toBe(0);
});

test('a write that the state has no room for is refused; a settled one gives its own back', () => {
  const bytesMax = 1.2 * stateGrowthMax(command);
  const state = { stateBytes: 0, get: () => [null] };
  const quota = new StateQuota({ state, bytesMax, onRefused: () => undefined });
  const { proposals } = setUp(10, 2, quota);
  const put = encodeWriteCommand({ type: 'put', key: command, value: command, ttlMs: 0 });
  const settle = (): void => undefined;
  expect(proposals.submit(put, 1_000, settle)).toBeUndefined();
  expect(proposals.submit(put, 1_000, settle)?.name).toBe('StateFull');
  expect(proposals.pendingCount).toBe(1);
  proposals.failAll('stopped');
  expect(proposals.submit(put, 1_000, settle)).toBeUndefined();
});
