import type { MemberAction } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpFixture } from './http-fixture.ts';

let http: HttpFixture;
beforeEach(async () => {
  http = await HttpFixture.start();
});
afterEach(() => http.stop());

describe('POST /promote and the like', () => {
  it('answers what the member is now, whatever the content type', async () => {
    const asked: [MemberAction, number, number][] = [];
    http.changeMember = (action, nodeId, waitMs) => {
      asked.push([action, nodeId, waitMs]);
      const rest = { changed: true, voters: [1, 2, 3, 4], learners: [], leaderId: 1 };
      return Promise.resolve({ nodeId, ...rest });
    };
    const reply = await http.call('POST', '/promote', {
      body: '{"node_id":4}',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(reply.status).toBe(200);
    expect(reply.text).toBe(
      '{"node_id":4,"role":"follower","status":"active","changed":true,"voters":[1,2,3,4],' +
        '"quorum":3}\n',
    );
    expect(asked).toEqual([['promote', 4, 10_000]]);
  });

  it('tells what a member is that left, and one that learns', async () => {
    const rest = { changed: true, voters: [1, 2], learners: [5], leaderId: 2 };
    http.changeMember = (_, nodeId) => Promise.resolve({ nodeId, ...rest });
    const answers: object[] = [];
    for (const id of [4, 5, 2]) {
      const reply = await http.call('POST', '/remove', { body: `{"node_id":${id}}` });
      answers.push(reply.json());
    }
    expect(answers).toMatchObject([
      { role: null, status: 'removed', quorum: 2 },
      { role: 'learner', status: 'promotable' },
      { role: 'leader', status: 'active' },
    ]);
  });

  it.each([
    ['LastVoter', 409],
    ['ReadOnlyMember', 409],
    ['ChangeInFlight', 409],
    ['LearnerBehind', 503],
    ['NotFound', 404],
  ] as const)('%s is answered with %i', async (name, status) => {
    http.changeMember = () => Promise.reject(new DEngineError(name, 'why'));
    const reply = await http.call('POST', '/remove', { body: '{"node_id":1}' });
    expect(reply.status).toBe(status);
    expect(reply.error()).toMatchObject({ name, message: 'why' });
  });

  it.each([
    ['{}', '"node_id" is missing'],
    ['{"node_id":"4"}', 'whole number'],
    ['{"node_id":0}', 'whole number'],
    ['{"node_id":4.5}', 'whole number'],
    ['{"node_id":4,"force":true}', 'unknown field'],
  ])('%s is refused', async (body, message) => {
    const reply = await http.call('POST', '/transfer', { body });
    expect(reply.status).toBe(400);
    expect(reply.error()['message']).toContain(message);
  });
});
