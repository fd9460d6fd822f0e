import {
  type MemberAction,
  type MemberChangeResult,
  type NodeId,
  ProtobufReader,
  ProtobufWriter,
} from '@d-engine/base';
import { type EnumCodec, enumCodec, writeBool, writeUint } from './fields.ts';
import { appendPacked, writePacked } from './packed.ts';

// `d_engine.admin.v1.AdminService/ChangeMember`.

const actions: EnumCodec<MemberAction> = enumCodec('member action', {
  promote: 1,
  remove: 2,
  transfer: 3,
  replace: 4,
});

export interface MemberChangeRequest {
  readonly action: MemberAction;
  readonly nodeId: NodeId;
  /** How long the caller lets the cluster get there. */
  readonly waitMs: number;
  /** By another member, which asks the leader: it is not passed on once more. */
  readonly forwarded: boolean;
}

export function encodeMemberChangeRequest(request: MemberChangeRequest): Uint8Array {
  const writer = new ProtobufWriter(24);
  writeUint(writer, 1, actions.toNumber(request.action));
  writeUint(writer, 2, request.nodeId);
  writeUint(writer, 3, request.waitMs);
  writeBool(writer, 4, request.forwarded);
  return writer.finish();
}

export function decodeMemberChangeRequest(bytes: Uint8Array): MemberChangeRequest {
  const reader = new ProtobufReader(bytes);
  let action = 0;
  let nodeId = 0;
  let waitMs = 0;
  let forwarded = false;
  while (reader.next()) {
    if (reader.field === 1) action = reader.int32();
    else if (reader.field === 2) nodeId = reader.uint();
    else if (reader.field === 3) waitMs = reader.uint();
    else if (reader.field === 4) forwarded = reader.bool();
    else reader.skip();
  }
  return { action: actions.toName(action), nodeId, waitMs, forwarded };
}

export function encodeMemberChangeResult(result: MemberChangeResult): Uint8Array {
  const writer = new ProtobufWriter(64);
  writeUint(writer, 1, result.nodeId);
  writeBool(writer, 2, result.changed);
  writePacked(writer, 3, result.voters);
  writePacked(writer, 4, result.learners);
  if (result.leaderId !== null) writer.uint(5, result.leaderId);
  return writer.finish();
}

export function decodeMemberChangeResult(bytes: Uint8Array): MemberChangeResult {
  const reader = new ProtobufReader(bytes);
  const voters: NodeId[] = [];
  const learners: NodeId[] = [];
  let nodeId = 0;
  let changed = false;
  let leaderId: NodeId | null = null;
  while (reader.next()) {
    if (reader.field === 1) nodeId = reader.uint();
    else if (reader.field === 2) changed = reader.bool();
    else if (reader.field === 3) appendPacked(voters, reader.bytes());
    else if (reader.field === 4) appendPacked(learners, reader.bytes());
    else if (reader.field === 5) leaderId = reader.uint();
    else reader.skip();
  }
  return { nodeId, changed, voters, learners, leaderId };
}
