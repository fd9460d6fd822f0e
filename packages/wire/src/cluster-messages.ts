import {
  type Address,
  type NodeId,
  ProtobufReader,
  ProtobufWriter,
  type Term,
} from '@d-engine/base';
import { type EnumCodec, emptyBytes, enumCodec, writeString, writeUint } from './fields.ts';

export type NodeRoleName = 'unspecified' | 'follower' | 'candidate' | 'leader' | 'learner';
export type NodeStatusName = 'unspecified' | 'promotable' | 'readOnly' | 'active';

/** `d_engine.common.NodeRole`, in the numbering since 0.2.3. */
export const nodeRoleCodec: EnumCodec<NodeRoleName> = enumCodec('node role', {
  unspecified: 0,
  follower: 1,
  candidate: 2,
  leader: 3,
  learner: 4,
});

/** `d_engine.common.NodeStatus`, in the numbering since 0.2.3. */
export const nodeStatusCodec: EnumCodec<NodeStatusName> = enumCodec('node status', {
  unspecified: 0,
  promotable: 1,
  readOnly: 2,
  active: 3,
});

/** `d_engine.common.NodeMeta`. Roles and statuses of later versions read as `unspecified`. */
export interface NodeMeta {
  readonly id: NodeId;
  readonly address: Address;
  readonly role: NodeRoleName;
  readonly status: NodeStatusName;
}

/** `d_engine.server.cluster.ClusterMembership`: the answer to GetClusterMetadata. */
export interface ClusterMembership {
  readonly version: number;
  readonly nodes: readonly NodeMeta[];
  readonly currentLeaderId: NodeId | undefined;
}

/** GetClusterMetadata asks with a message without fields. */
export const metadataRequestBytes: Uint8Array = emptyBytes;

export function encodeNodeMeta(node: NodeMeta): Uint8Array {
  const writer = new ProtobufWriter(node.address.length + 24);
  writeUint(writer, 1, node.id);
  writeString(writer, 2, node.address);
  writeUint(writer, 3, nodeRoleCodec.toNumber(node.role));
  writeUint(writer, 4, nodeStatusCodec.toNumber(node.status));
  return writer.finish();
}

export function decodeNodeMeta(bytes: Uint8Array): NodeMeta {
  const reader = new ProtobufReader(bytes);
  let id = 0;
  let address = '';
  let role: NodeRoleName = 'unspecified';
  let status: NodeStatusName = 'unspecified';
  while (reader.next()) {
    if (reader.field === 1) id = reader.uint();
    else if (reader.field === 2) address = reader.string();
    else if (reader.field === 3) role = nodeRoleCodec.find(reader.int32()) ?? 'unspecified';
    else if (reader.field === 4) status = nodeStatusCodec.find(reader.int32()) ?? 'unspecified';
    else reader.skip();
  }
  return { id, address, role, status };
}

export function encodeClusterMembership(membership: ClusterMembership): Uint8Array {
  const writer = new ProtobufWriter(256);
  writeUint(writer, 1, membership.version);
  for (const node of membership.nodes) writer.bytes(2, encodeNodeMeta(node));
  if (membership.currentLeaderId !== undefined) writer.uint(3, membership.currentLeaderId);
  return writer.finish();
}

export function decodeClusterMembership(bytes: Uint8Array): ClusterMembership {
  const reader = new ProtobufReader(bytes);
  const nodes: NodeMeta[] = [];
  let version = 0;
  let currentLeaderId: NodeId | undefined;
  while (reader.next()) {
    if (reader.field === 1) version = reader.uint();
    else if (reader.field === 2) nodes.push(decodeNodeMeta(reader.bytes()));
    else if (reader.field === 3) currentLeaderId = reader.uint();
    else reader.skip();
  }
  return { version, nodes, currentLeaderId };
}

/** `d_engine.server.cluster.LeaderDiscoveryRequest`. */
export interface LeaderDiscoveryRequest {
  readonly nodeId: NodeId;
  readonly requesterAddress: Address;
}

/** `d_engine.server.cluster.LeaderDiscoveryResponse`. */
export interface LeaderDiscoveryResponse {
  readonly leaderId: NodeId;
  readonly leaderAddress: Address;
  readonly term: Term;
}

export function encodeLeaderDiscoveryRequest(request: LeaderDiscoveryRequest): Uint8Array {
  const writer = new ProtobufWriter();
  writeUint(writer, 1, request.nodeId);
  writeString(writer, 2, request.requesterAddress);
  return writer.finish();
}

export function decodeLeaderDiscoveryRequest(bytes: Uint8Array): LeaderDiscoveryRequest {
  const reader = new ProtobufReader(bytes);
  let nodeId = 0;
  let requesterAddress = '';
  while (reader.next()) {
    if (reader.field === 1) nodeId = reader.uint();
    else if (reader.field === 2) requesterAddress = reader.string();
    else reader.skip();
  }
  return { nodeId, requesterAddress };
}

export function encodeLeaderDiscoveryResponse(response: LeaderDiscoveryResponse): Uint8Array {
  const writer = new ProtobufWriter();
  writeUint(writer, 1, response.leaderId);
  writeString(writer, 2, response.leaderAddress);
  writeUint(writer, 3, response.term);
  return writer.finish();
}

export function decodeLeaderDiscoveryResponse(bytes: Uint8Array): LeaderDiscoveryResponse {
  const reader = new ProtobufReader(bytes);
  let leaderId = 0;
  let leaderAddress = '';
  let term = 0;
  while (reader.next()) {
    if (reader.field === 1) leaderId = reader.uint();
    else if (reader.field === 2) leaderAddress = reader.string();
    else if (reader.field === 3) term = reader.uint();
    else reader.skip();
  }
  return { leaderId, leaderAddress, term };
}
