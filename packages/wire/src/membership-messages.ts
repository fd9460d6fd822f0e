import { type LogIndex, type NodeId, ProtobufReader, ProtobufWriter } from '@d-engine/base';
import { writeUint } from './fields.ts';
import { appendPacked, writePacked } from './packed.ts';

/** `d_engine.client.MembershipSnapshot`: who is in the cluster as of an index. */
export interface MembershipSnapshot {
  /** Voters. */
  readonly members: readonly NodeId[];
  readonly learners: readonly NodeId[];
  readonly committedIndex: LogIndex;
}

/** `d_engine.client.WatchMembershipRequest`. */
export interface WatchMembershipRequest {
  readonly clientId: number;
}

export function encodeWatchMembershipRequest(request: WatchMembershipRequest): Uint8Array {
  const writer = new ProtobufWriter(8);
  writeUint(writer, 1, request.clientId);
  return writer.finish();
}

export function decodeWatchMembershipRequest(bytes: Uint8Array): WatchMembershipRequest {
  const reader = new ProtobufReader(bytes);
  let clientId = 0;
  while (reader.next()) {
    if (reader.field === 1) clientId = reader.uint();
    else reader.skip();
  }
  return { clientId };
}

export function encodeMembershipSnapshot(snapshot: MembershipSnapshot): Uint8Array {
  const writer = new ProtobufWriter();
  writePacked(writer, 1, snapshot.members);
  writePacked(writer, 2, snapshot.learners);
  writeUint(writer, 3, snapshot.committedIndex);
  return writer.finish();
}

export function decodeMembershipSnapshot(bytes: Uint8Array): MembershipSnapshot {
  const reader = new ProtobufReader(bytes);
  const members: NodeId[] = [];
  const learners: NodeId[] = [];
  let committedIndex = 0;
  while (reader.next()) {
    if (reader.field === 1) appendPacked(members, reader.bytes());
    else if (reader.field === 2) appendPacked(learners, reader.bytes());
    else if (reader.field === 3) committedIndex = reader.uint();
    else reader.skip();
  }
  return { members, learners, committedIndex };
}
