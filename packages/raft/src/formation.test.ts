import { describe, expect, test } from 'vitest';
import { Formation, initialVotersHash } from './formation.ts';
import type { PeerHello, RaftConfig } from './raft-config.ts';
import { members } from './testing/fake-cluster.ts';

const three = members(3);

function config(nodeId: number, voters = 3, learners = 0): RaftConfig {
  return {
    nodeId,
    instanceId: `i${nodeId}`,
    initialMembers: members(voters, learners),
    electionTimeoutMinMs: 100,
    electionTimeoutMaxMs: 200,
    heartbeatIntervalMs: 20,
    leaseDurationMs: 50,
    commitNoticeDelayMs: 0,
    appendEntriesMax: 10,
    bufferedEntriesMax: 10_000,
    bootCount: 1,
    strategy: 'DiskFirst',
    random: () => 0,
    newId: () => '',
  };
}

function hello(nodeId: number, overrides: Partial<PeerHello> = {}): PeerHello {
  return {
    nodeId,
    instanceId: `i${nodeId}`,
    bootCount: 1,
    clusterId: null,
    recovering: false,
    state: 'empty',
    initialVotersHash: initialVotersHash(three),
    ...overrides,
  };
}

describe('initialVotersHash', () => {
  test('depends on ids and roles, not on order or addresses', () => {
    const reversed = [...three].reverse().map((member) => ({ ...member, address: 'other:2' }));
    expect(initialVotersHash(reversed)).toBe(initialVotersHash(three));
    expect(initialVotersHash(three)).toMatch(/^[0-9a-f]{16}$/);
    expect(initialVotersHash(members(2, 1))).not.toBe(initialVotersHash(three));
    expect(initialVotersHash(members(4))).not.toBe(initialVotersHash(three));
  });
});

describe('Formation (design rule 2)', () => {
  test('goes ahead at once when all are empty', () => {
    const formation = new Formation(config(1), false, 1000);
    formation.answered(hello(2));
    expect(formation.mayCampaign(1399)).toBe(false);
    formation.answered(hello(3));
    expect(formation.mayCampaign(1001)).toBe(true);
  });

  test('with a majority it gives the rest time to object', () => {
    const formation = new Formation(config(1), false, 1000);
    expect(formation.mayCampaign(9999)).toBe(false);
    formation.answered(hello(2));
    expect(formation.mayCampaign(1399)).toBe(false);
    expect(formation.mayCampaign(1400)).toBe(true);
  });

  test('one formed member stops it, for the whole run', () => {
    const formation = new Formation(config(1), false, 1000);
    formation.answered(hello(2));
    const notice = formation.answered(hello(3, { state: 'formed' }));
    expect(notice).toEqual({ type: 'formationStopped', nodeId: 3, reason: 'alreadyFormed' });
    expect(formation.answered(hello(3))).toBeUndefined();
    expect(formation.mayCampaign(99_999)).toBe(false);
  });

  test('so do other voters', () => {
    const formation = new Formation(config(1), false, 1000);
    const notice = formation.answered(hello(2, { initialVotersHash: 'x' }));
    expect(notice).toMatchObject({ reason: 'otherVoters' });
    expect(formation.stopped).toBe(true);
  });

  test('until whoever named them has mended its list', () => {
    const formation = new Formation(config(1), false, 1000);
    expect(formation.answered(hello(3))).toBeUndefined();
    expect(formation.answered(hello(2, { initialVotersHash: 'x' }))).toBeDefined();
    expect(formation.answered(hello(2, { initialVotersHash: 'x' }))).toBeUndefined();
    expect(formation.mayCampaign(99_999)).toBe(false);
    expect(formation.answered(hello(2))).toBeUndefined();
    expect(formation.stopped).toBe(false);
    expect(formation.mayCampaign(1_000)).toBe(true);
  });

  test('a learner, and a member that lost its log, never form', () => {
    expect(new Formation(config(3, 2, 1), false, 0).stopped).toBe(true);
    expect(new Formation(config(1), true, 0).stopped).toBe(true);
  });

  test('a voter alone needs nobody', () => {
    expect(new Formation(config(1, 1), false, 0).mayCampaign(0)).toBe(true);
  });
});
