import type { PeerFrame } from '@d-engine/wire';
import { expect, test } from 'vitest';
import { Deadlines } from './deadlines.ts';
import { Forwards } from './forwards.ts';
import type { WriteReply } from './proposals.ts';
import { ManualClock } from './testing/manual-clock.ts';

const command = new Uint8Array([1]);

function setUp(isUp = true) {
  const clock = new ManualClock();
  const frames: PeerFrame[] = [];
  const replies: WriteReply[] = [];
  const forwards = new Forwards({
    clock,
    deadlines: new Deadlines(clock),
    sendFrame: (_to, frame) => {
      if (isUp) frames.push(frame);
      return isUp;
    },
  });
  const send = (leader: number): boolean =>
    forwards.send(leader, { command }, 1_000, (reply) => replies.push(reply));
  return { clock, frames, replies, forwards, send };
}

const unknown: unknown = expect.objectContaining({
  ok: false,
  error: expect.objectContaining({ name: 'ProposeFailed' }) as unknown,
});
const done = { type: 'ok', succeeded: true, revision: 7 } as const;

test('without a stream nothing has left, and nobody is answered', () => {
  const { send, replies, forwards } = setUp(false);
  expect(send(2)).toBe(false);
  forwards.failAll('stopped');
  expect(replies).toEqual([]);
});

test('an answer counts once, and only from the member that was asked', () => {
  const { send, replies, forwards } = setUp();
  expect(send(2)).toBe(true);
  forwards.onAnswer(3, 1, done);
  expect(replies).toEqual([]);
  forwards.onAnswer(2, 1, done);
  forwards.onAnswer(2, 1, done);
  expect(replies).toEqual([{ ok: true, outcome: done }]);
});

test('a lost stream leaves an unknown outcome, and a late answer changes nothing', () => {
  const { send, replies, forwards } = setUp();
  send(2);
  send(3);
  forwards.onPeerLost(2);
  expect(replies).toEqual([unknown]);
  forwards.onAnswer(2, 1, done);
  expect(replies).toHaveLength(1);
  expect(forwards.pendingCount).toBe(1);
});

test('no answer in time is an unknown outcome; the leader gives up a little sooner', () => {
  const { clock, frames, send, replies } = setUp();
  send(2);
  expect(frames[0]).toMatchObject({ type: 'forwardWrite', deadlineMs: 950 });
  clock.advance(900);
  expect(replies).toEqual([]);
  clock.advance(200);
  expect(replies).toEqual([unknown]);
});
