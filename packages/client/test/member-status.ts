import type { NodeStatus } from '@d-engine/base';

export const ourCluster = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';

/** What a healthy follower says of itself, but for what is told. */
export function memberStatus(told: Partial<NodeStatus> = {}): NodeStatus {
  return {
    nodeId: 1,
    clusterId: ourCluster,
    version: '0.1.0',
    role: 'follower',
    condition: 'normal',
    conditionReason: null,
    term: 1,
    leader: null,
    commitIndex: 1,
    appliedIndex: 1,
    lastLogIndex: 1,
    durableIndex: 1,
    revision: 1,
    members: [],
    ...told,
  };
}
