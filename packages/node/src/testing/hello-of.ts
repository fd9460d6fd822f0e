import type { NodeId } from '@d-engine/base';
import type { Hello } from '@d-engine/wire';

/** Of a member that is part of no cluster yet. */
export function helloOf(nodeId: NodeId, changes: Partial<Hello> = {}): Hello {
  return {
    type: 'hello',
    protocolVersion: 1,
    clusterId: null,
    clusterFormedAtMs: null,
    nodeId,
    instanceId: String(nodeId).repeat(32),
    bootCount: 1,
    state: 'empty',
    initialVotersHash: 'hash',
    strategy: 'DiskFirst',
    recovering: false,
    ...changes,
  };
}
