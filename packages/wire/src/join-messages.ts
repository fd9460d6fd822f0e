import {
  type Address,
  type ClusterId,
  type InstanceId,
  type LogIndex,
  type NodeId,
  ProtobufReader,
  ProtobufWriter,
  type Term,
} from '@d-engine/base';
import {
  type ClusterMembership,
  decodeClusterMembership,
  encodeClusterMembership,
  type NodeRoleName,
  type NodeStatusName,
  nodeRoleCodec,
  nodeStatusCodec,
} from './cluster-messages.ts';
import { emptyBytes, writeBool, writeBytes, writeString, writeUint } from './fields.ts';

/** `d_engine.server.cluster.JoinRequest`. */
export interface JoinRequest {
  readonly nodeId: NodeId;
  readonly nodeRole: NodeRoleName;
  readonly address: Address;
  readonly status: NodeStatusName;
  /** Ours: the data directory; undefined: the one that answers first. */
  readonly instanceId: InstanceId | undefined;
  /** Ours: what the data in it is of; undefined: of no cluster. */
  readonly clusterId: ClusterId | undefined;
}

/** `d_engine.server.storage.SnapshotMetadata`. */
export interface SnapshotMetadata {
  readonly lastIncluded: { readonly term: Term; readonly index: LogIndex };
  readonly checksum: Uint8Array;
}

/** `d_engine.server.cluster.JoinResponse`. */
export interface JoinResponse {
  readonly success: boolean;
  readonly error: string;
  readonly config: ClusterMembership | undefined;
  readonly configVersion: number;
  readonly snapshotMetadata: SnapshotMetadata | undefined;
  readonly leaderId: NodeId;
}

export function encodeJoinRequest(request: JoinRequest): Uint8Array {
  const writer = new ProtobufWriter();
  writeUint(writer, 1, request.nodeId);
  writeUint(writer, 2, nodeRoleCodec.toNumber(request.nodeRole));
  writeString(writer, 3, request.address);
  writeUint(writer, 4, nodeStatusCodec.toNumber(request.status));
  if (request.instanceId !== undefined) writer.string(100, request.instanceId);
  if (request.clusterId !== undefined) writer.string(101, request.clusterId);
  return writer.finish();
}

export function decodeJoinRequest(bytes: Uint8Array): JoinRequest {
  const reader = new ProtobufReader(bytes);
  let nodeId = 0;
  let nodeRole: NodeRoleName = 'unspecified';
  let address = '';
  let status: NodeStatusName = 'unspecified';
  let instanceId: InstanceId | undefined;
  let clusterId: ClusterId | undefined;
  while (reader.next()) {
    if (reader.field === 1) nodeId = reader.uint();
    else if (reader.field === 2) nodeRole = nodeRoleCodec.toName(reader.int32());
    else if (reader.field === 3) address = reader.string();
    else if (reader.field === 4) status = nodeStatusCodec.toName(reader.int32());
    else if (reader.field === 100) instanceId = reader.string();
    else if (reader.field === 101) clusterId = reader.string();
    else reader.skip();
  }
  return { nodeId, nodeRole, address, status, instanceId, clusterId };
}

export function encodeJoinResponse(response: JoinResponse): Uint8Array {
  const writer = new ProtobufWriter();
  writeBool(writer, 1, response.success);
  writeString(writer, 2, response.error);
  if (response.config !== undefined) writer.bytes(3, encodeClusterMembership(response.config));
  writeUint(writer, 4, response.configVersion);
  if (response.snapshotMetadata !== undefined) {
    writer.bytes(5, encodeSnapshotMetadata(response.snapshotMetadata));
  }
  writeUint(writer, 6, response.leaderId);
  return writer.finish();
}

export function decodeJoinResponse(bytes: Uint8Array): JoinResponse {
  const reader = new ProtobufReader(bytes);
  let success = false;
  let error = '';
  let config: ClusterMembership | undefined;
  let configVersion = 0;
  let snapshotMetadata: SnapshotMetadata | undefined;
  let leaderId = 0;
  while (reader.next()) {
    if (reader.field === 1) success = reader.bool();
    else if (reader.field === 2) error = reader.string();
    else if (reader.field === 3) config = decodeClusterMembership(reader.bytes());
    else if (reader.field === 4) configVersion = reader.uint();
    else if (reader.field === 5) snapshotMetadata = decodeSnapshotMetadata(reader.bytes());
    else if (reader.field === 6) leaderId = reader.uint();
    else reader.skip();
  }
  return { success, error, config, configVersion, snapshotMetadata, leaderId };
}

function encodeSnapshotMetadata(metadata: SnapshotMetadata): Uint8Array {
  const last = new ProtobufWriter(24);
  writeUint(last, 1, metadata.lastIncluded.term);
  writeUint(last, 2, metadata.lastIncluded.index);
  const writer = new ProtobufWriter(64);
  writer.bytes(1, last.finish());
  writeBytes(writer, 2, metadata.checksum);
  return writer.finish();
}

function decodeSnapshotMetadata(bytes: Uint8Array): SnapshotMetadata {
  const reader = new ProtobufReader(bytes);
  let lastIncluded = { term: 0, index: 0 };
  let checksum = emptyBytes;
  while (reader.next()) {
    if (reader.field === 1) lastIncluded = decodeLogId(reader.bytes());
    else if (reader.field === 2) checksum = reader.bytes();
    else reader.skip();
  }
  return { lastIncluded, checksum };
}

function decodeLogId(bytes: Uint8Array): { term: Term; index: LogIndex } {
  const reader = new ProtobufReader(bytes);
  let term = 0;
  let index = 0;
  while (reader.next()) {
    if (reader.field === 1) term = reader.uint();
    else if (reader.field === 2) index = reader.uint();
    else reader.skip();
  }
  return { term, index };
}
