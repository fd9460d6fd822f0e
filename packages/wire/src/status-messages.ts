import {
  type MemberStatus,
  type NodeCondition,
  type NodeRole,
  type NodeStatus,
  ProtobufReader,
  ProtobufWriter,
} from '@d-engine/base';
import { type EnumCodec, emptyBytes, enumCodec, writeString, writeUint } from './fields.ts';
import { decodeLeaderHint, encodeLeaderHint } from './leader-hint.ts';

// `d_engine.admin.v1.AdminService/Status`. Every enum starts at 1: 0 is "unspecified", an error.

const roles: EnumCodec<NodeRole> = enumCodec('node role', {
  leader: 1,
  follower: 2,
  candidate: 3,
  learner: 4,
});

const conditions: EnumCodec<NodeCondition> = enumCodec('node condition', {
  forming: 1,
  normal: 2,
  recovering: 3,
  refused: 4,
  diverged: 5,
});

const memberRoles: EnumCodec<MemberStatus['role']> = enumCodec('member role', {
  voter: 1,
  learner: 2,
});

const memberStatuses: EnumCodec<MemberStatus['status']> = enumCodec('member status', {
  active: 1,
  promotable: 2,
  read_only: 3,
});

/** Status asks with a message without fields. */
export const statusRequestBytes: Uint8Array = emptyBytes;

export function encodeNodeStatus(status: NodeStatus): Uint8Array {
  const writer = new ProtobufWriter(256);
  writeUint(writer, 1, status.nodeId);
  if (status.clusterId !== null) writer.string(2, status.clusterId);
  writeString(writer, 3, status.version);
  writeUint(writer, 4, roles.toNumber(status.role));
  writeUint(writer, 5, conditions.toNumber(status.condition));
  if (status.conditionReason !== null) writer.string(6, status.conditionReason);
  writeUint(writer, 7, status.term);
  if (status.leader !== null) writer.bytes(8, encodeLeaderHint(status.leader));
  writeUint(writer, 9, status.commitIndex);
  writeUint(writer, 10, status.appliedIndex);
  writeUint(writer, 11, status.lastLogIndex);
  writeUint(writer, 12, status.durableIndex);
  writeUint(writer, 13, status.revision);
  for (const member of status.members) writer.bytes(14, encodeMember(member));
  return writer.finish();
}

function encodeMember(member: MemberStatus): Uint8Array {
  const writer = new ProtobufWriter();
  writeUint(writer, 1, member.id);
  writeString(writer, 2, member.address);
  writeUint(writer, 3, memberRoles.toNumber(member.role));
  writeUint(writer, 4, memberStatuses.toNumber(member.status));
  if (member.matchIndex !== null) writer.uint(5, member.matchIndex);
  if (member.lag !== null) writer.uint(6, member.lag);
  // The difference of two clock readings: whole milliseconds are enough for whoever reads it.
  if (member.lastContactMs !== null) writer.uint(7, Math.max(0, Math.round(member.lastContactMs)));
  return writer.finish();
}

/** Throws `MalformedMessage`; also for a role or condition that this version does not know. */
export function decodeNodeStatus(bytes: Uint8Array): NodeStatus {
  const reader = new ProtobufReader(bytes);
  const members: MemberStatus[] = [];
  const status: { -readonly [Name in keyof NodeStatus]: NodeStatus[Name] } = {
    nodeId: 0,
    clusterId: null,
    version: '',
    role: 'follower',
    condition: 'normal',
    conditionReason: null,
    term: 0,
    leader: null,
    commitIndex: 0,
    appliedIndex: 0,
    lastLogIndex: 0,
    durableIndex: 0,
    revision: 0,
    members,
  };
  while (reader.next()) {
    if (reader.field === 1) status.nodeId = reader.uint();
    else if (reader.field === 2) status.clusterId = reader.string();
    else if (reader.field === 3) status.version = reader.string();
    else if (reader.field === 4) status.role = roles.toName(reader.int32());
    else if (reader.field === 5) status.condition = conditions.toName(reader.int32());
    else if (reader.field === 6) status.conditionReason = reader.string();
    else if (reader.field === 7) status.term = reader.uint();
    else if (reader.field === 8) status.leader = decodeLeaderHint(reader.bytes());
    else if (reader.field === 9) status.commitIndex = reader.uint();
    else if (reader.field === 10) status.appliedIndex = reader.uint();
    else if (reader.field === 11) status.lastLogIndex = reader.uint();
    else if (reader.field === 12) status.durableIndex = reader.uint();
    else if (reader.field === 13) status.revision = reader.uint();
    else if (reader.field === 14) members.push(decodeMember(reader.bytes()));
    else reader.skip();
  }
  return status;
}

function decodeMember(bytes: Uint8Array): MemberStatus {
  const reader = new ProtobufReader(bytes);
  const member: { -readonly [Name in keyof MemberStatus]: MemberStatus[Name] } = {
    id: 0,
    address: '',
    role: 'voter',
    status: 'active',
    matchIndex: null,
    lag: null,
    lastContactMs: null,
  };
  while (reader.next()) {
    if (reader.field === 1) member.id = reader.uint();
    else if (reader.field === 2) member.address = reader.string();
    else if (reader.field === 3) member.role = memberRoles.toName(reader.int32());
    else if (reader.field === 4) member.status = memberStatuses.toName(reader.int32());
    else if (reader.field === 5) member.matchIndex = reader.uint();
    else if (reader.field === 6) member.lag = reader.uint();
    else if (reader.field === 7) member.lastContactMs = reader.uint();
    else reader.skip();
  }
  return member;
}
