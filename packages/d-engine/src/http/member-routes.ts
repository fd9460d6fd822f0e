import type { MemberAction, MemberChangeResult, NodeId, NodeStatus } from '@d-engine/base';
import { numberField, refuseUnknown } from './fields.ts';
import { jsonAnswer, type Route } from './route.ts';

/** How long a caller waits for a learner to catch up, or for a change to be committed. */
const waitMs = 10_000;
const nodeIdMax = 2 ** 32 - 1;

/** What changes of members need of the node. */
export interface MemberChanger {
  status(): NodeStatus;
  changeMember(action: MemberAction, nodeId: NodeId, waitMs: number): Promise<MemberChangeResult>;
}

const actions: readonly MemberAction[] = ['promote', 'remove', 'transfer', 'replace'];

/** POST /promote, /remove, /transfer and /replace, on any member. */
export function memberRoutes(node: MemberChanger): Route[] {
  return actions.map((action) => ({
    method: 'POST',
    path: `/${action}`,
    parameters: [],
    writes: true,
    admin: true,
    async handle(request) {
      const body = await request.readBody();
      refuseUnknown('field', Object.keys(body), ['node_id'], `POST /${action}`);
      const nodeId = numberField(body, 'node_id', 1, nodeIdMax);
      const result = await node.changeMember(action, nodeId, waitMs);
      return jsonAnswer(200, answerOf(result));
    },
  }));
}

function answerOf(result: MemberChangeResult): object {
  const { nodeId, changed, voters, learners, leaderId } = result;
  const rest = { changed, voters, quorum: Math.floor(voters.length / 2) + 1 };
  if (voters.includes(nodeId)) {
    const role = leaderId === nodeId ? 'leader' : 'follower';
    return { node_id: nodeId, role, status: 'active', ...rest };
  }
  const isLearner = learners.includes(nodeId);
  const role = isLearner ? 'learner' : null;
  return { node_id: nodeId, role, status: isLearner ? 'promotable' : 'removed', ...rest };
}
