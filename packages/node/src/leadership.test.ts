import type { Raft } from '@d-engine/raft';
import { expect, test } from 'vitest';
import { MemberLeadership } from './leadership.ts';

type Parts = ConstructorParameters<typeof MemberLeadership>[0];

/** Only what a refusal looks at. */
function leadershipOf(raft: Partial<Raft>): MemberLeadership {
  const configuration = { voters: [1, 2, 3] } as unknown as Raft['configuration'];
  return new MemberLeadership({
    raft: { configuration, leaderId: 1, ...raft } as Raft,
    settings: { nodeId: 1 } as Parts['settings'],
    addresses: {
      toTell: () => 'n1:9000',
      toDial: () => undefined,
    } as unknown as Parts['addresses'],
    transport: { isConnected: () => true } as unknown as Parts['transport'],
    condition: { closed: undefined } as unknown as Parts['condition'],
  });
}

test('a leader whose log is full of what no quorum confirms asks for a pause', () => {
  const full = leadershipOf({ role: 'leader', transferring: false, proposalsAllowed: false });
  expect(full.notLeader()).toMatchObject({ name: 'RateLimited', retryAfterMs: 100 });
  expect(full.refusal('notReady').name).toBe('RateLimited');
});

test('one that hands over, or never led, names no pause but an election', () => {
  const handing = leadershipOf({ role: 'leader', transferring: true, proposalsAllowed: false });
  expect(handing.notLeader().name).toBe('ClusterUnavailable');
  const follower = leadershipOf({ role: 'follower', leaderId: null, proposalsAllowed: false });
  expect(follower.notLeader().name).toBe('ClusterUnavailable');
});
