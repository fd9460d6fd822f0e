import type { NodeId } from '@d-engine/base';
import { DEngineError, encodeWriteCommand, silentMetrics } from '@d-engine/base';
import type { Raft } from '@d-engine/raft';
import type { ForwardWrite, PeerFrame } from '@d-engine/wire';
import { expect, test } from 'vitest';
import { Deadlines } from './deadlines.ts';
import { Forwards } from './forwards.ts';
import { NodeMetrics } from './node-metrics.ts';
import type { WriteReply } from './proposals.ts';
import { Proposals } from './proposals.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { roomyQuota } from './testing/roomy-quota.ts';
import { WriteRouter } from './write-router.ts';

const command = encodeWriteCommand({ type: 'delete', key: new Uint8Array([1]) });
const leaderWaitMs = 500;

class FakeLeadership {
  accepting = false;
  otherLeader: NodeId | undefined;
  closed: DEngineError | undefined;

  notLeader(): DEngineError {
    return this.otherLeader === undefined ? this.noLeader() : new DEngineError('NotLeader', 'no');
  }

  noLeader(): DEngineError {
    return new DEngineError('ClusterUnavailable', 'no leader');
  }
}

function setUp(pendingMax = 10) {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  const leadership = new FakeLeadership();
  const sent: { to: NodeId; frame: ForwardWrite }[] = [];
  const isUp = { value: true };
  const quota = roomyQuota();
  const proposals = new Proposals({ clock, deadlines, pendingMax, batchMax: 100, quota });
  const forwards = new Forwards({
    clock,
    deadlines,
    sendFrame: (to, frame: PeerFrame) => {
      if (isUp.value && frame.type === 'forwardWrite') sent.push({ to, frame });
      return isUp.value;
    },
  });
  const router = new WriteRouter({
    clock,
    deadlines,
    proposals,
    forwards,
    leadership,
    leaderWaitMs,
    pendingMax,
    requestTurn: () => undefined,
    metrics: new NodeMetrics(silentMetrics, clock),
  });
  const replies: WriteReply[] = [];
  const submit = (): void =>
    router.submitAnywhere({ command }, 5_000, (reply) => replies.push(reply));
  /** The turn: how many writes went to Raft, which refuses them all unless told otherwise. */
  const turn = (): number => {
    let taken = 0;
    const raft = {
      propose: (batch: readonly unknown[]) => {
        taken = batch.length;
        return { accepted: false, reason: 'notLeader', leaderId: null };
      },
    } as unknown as Raft;
    proposals.propose(raft, clock.now(), () => leadership.notLeader());
    return taken;
  };
  const answer = (error: DEngineError): void => {
    const last = sent.at(-1) as { to: NodeId; frame: ForwardWrite };
    forwards.onAnswer(last.to, last.frame.forwardId, {
      type: 'error',
      name: error.name,
      message: error.message,
    });
  };
  return {
    clock,
    leadership,
    proposals,
    forwards,
    router,
    replies,
    sent,
    isUp,
    submit,
    turn,
    answer,
  };
}

function errors(replies: readonly WriteReply[]): string[] {
  return replies.map((reply) => (reply.ok ? 'ok' : reply.error.name));
}

test('a write waits for a leader, and goes to it once there is one', () => {
  const { leadership, router, replies, sent, submit } = setUp();
  submit();
  expect(sent).toHaveLength(0);
  leadership.otherLeader = 2;
  router.onLeadershipChange();
  expect(sent.map(({ to }) => to)).toEqual([2]);
  expect(replies).toEqual([]);
});

test('a write that finds no leader for a while is refused', () => {
  const { clock, replies, submit } = setUp();
  submit();
  clock.advance(leaderWaitMs - 50);
  expect(replies).toEqual([]);
  clock.advance(100);
  expect(errors(replies)).toEqual(['ClusterUnavailable']);
});

test('a refusal that is older than what is known by now leads to the new leader at once', () => {
  const { leadership, router, sent, submit, answer } = setUp();
  leadership.otherLeader = 2;
  submit();
  leadership.otherLeader = 3;
  router.onLeadershipChange();
  answer(new DEngineError('NotLeader', 'ask 3'));
  expect(sent.map(({ to }) => to)).toEqual([2, 3]);
});

test('what a leader that stops or steps down refused waits for the next one', () => {
  for (const name of ['Stopped', 'ClusterUnavailable', 'NotLeader', 'LeaderChanged'] as const) {
    const { leadership, router, replies, sent, submit, answer } = setUp();
    leadership.otherLeader = 2;
    submit();
    answer(new DEngineError(name, 'refused'));
    expect(replies).toEqual([]);
    leadership.otherLeader = 3;
    router.onLeadershipChange();
    expect(sent.map(({ to }) => to)).toEqual([2, 3]);
  }
});

test('a write that may have been proposed is never sent again', () => {
  const { leadership, router, forwards, replies, sent, submit, answer } = setUp();
  leadership.otherLeader = 2;
  submit();
  forwards.onPeerLost(2);
  submit();
  answer(new DEngineError('ProposeFailed', 'unknown'));
  leadership.otherLeader = 3;
  router.onLeadershipChange();
  expect(errors(replies)).toEqual(['ProposeFailed', 'ProposeFailed']);
  expect(sent.map(({ to }) => to)).toEqual([2, 2]);
});

test('parked writes go on when the leader has room again, without a change of leadership', () => {
  const { leadership, router, submit, turn } = setUp();
  // It leads, but takes no proposals: a transfer, or too much waits for a quorum.
  submit();
  router.onRoom();
  expect(turn()).toBe(0);
  leadership.accepting = true;
  router.onRoom();
  expect(turn()).toBe(1);
});

test('a stopping member answers what it had parked, and parks nothing more', () => {
  const { leadership, proposals, router, replies, submit } = setUp();
  submit();
  leadership.accepting = true;
  submit();
  leadership.closed = new DEngineError('Stopped', 'stopping');
  router.failAll('stopping');
  proposals.failAll('stopping');
  submit();
  expect(errors(replies)).toEqual(['Stopped', 'Stopped', 'Stopped']);
});

test('forwarded writes have a bound', () => {
  const { leadership, replies, submit } = setUp(2);
  leadership.otherLeader = 2;
  for (let write = 0; write < 3; write++) submit();
  expect(errors(replies)).toEqual(['RateLimited']);
});

test('a write for this member alone takes no second hop', () => {
  const { leadership, router, replies, sent } = setUp();
  leadership.otherLeader = 2;
  router.submitHere({ command }, 1_000, (reply) => replies.push(reply));
  expect(errors(replies)).toEqual(['NotLeader']);
  expect(sent).toEqual([]);
});
