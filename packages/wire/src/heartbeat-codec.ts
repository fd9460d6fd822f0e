import { type LogIndex, ProtobufReader, ProtobufWriter } from '@d-engine/base';
import { writeUint } from './fields.ts';
import type {
  HeartbeatRequest,
  HeartbeatResponse,
  ReadIndexRequest,
  ReadIndexResponse,
} from './raft-messages.ts';

// Heartbeats and read indexes: what keeps a leader a leader, and its reads linearizable.

const expectedBytes = 32;

export function encodeHeartbeatRequest(message: HeartbeatRequest): Uint8Array {
  const writer = new ProtobufWriter(expectedBytes);
  writeUint(writer, 1, message.term);
  writeUint(writer, 2, message.leaderCommit);
  writeUint(writer, 3, message.token);
  writeUint(writer, 4, message.stickinessMs);
  writeUint(writer, 5, message.recoverRun);
  writeUint(writer, 6, message.recoverTo);
  return writer.finish();
}

export function decodeHeartbeatRequest(bytes: Uint8Array): HeartbeatRequest {
  const reader = new ProtobufReader(bytes);
  let term = 0;
  let leaderCommit = 0;
  let token = 0;
  let stickinessMs = 0;
  let recoverRun = 0;
  let recoverTo = 0;
  while (reader.next()) {
    if (reader.field === 1) term = reader.uint();
    else if (reader.field === 2) leaderCommit = reader.uint();
    else if (reader.field === 3) token = reader.uint();
    else if (reader.field === 4) stickinessMs = reader.uint();
    else if (reader.field === 5) recoverRun = reader.uint();
    else if (reader.field === 6) recoverTo = reader.uint();
    else reader.skip();
  }
  const fromLeader = { term, leaderCommit, token, stickinessMs };
  return { type: 'heartbeatRequest', ...fromLeader, recoverRun, recoverTo };
}

export function encodeHeartbeatResponse(message: HeartbeatResponse): Uint8Array {
  const writer = new ProtobufWriter(expectedBytes);
  writeUint(writer, 1, message.term);
  writeUint(writer, 2, message.token);
  writeUint(writer, 3, message.matchIndex);
  return writer.finish();
}

export function decodeHeartbeatResponse(bytes: Uint8Array): HeartbeatResponse {
  const reader = new ProtobufReader(bytes);
  let term = 0;
  let token = 0;
  let matchIndex = 0;
  while (reader.next()) {
    if (reader.field === 1) term = reader.uint();
    else if (reader.field === 2) token = reader.uint();
    else if (reader.field === 3) matchIndex = reader.uint();
    else reader.skip();
  }
  return { type: 'heartbeatResponse', term, token, matchIndex };
}

export function encodeReadIndexRequest(message: ReadIndexRequest): Uint8Array {
  const writer = new ProtobufWriter(expectedBytes);
  writeUint(writer, 1, message.term);
  writeUint(writer, 2, message.readId);
  return writer.finish();
}

export function decodeReadIndexRequest(bytes: Uint8Array): ReadIndexRequest {
  const reader = new ProtobufReader(bytes);
  let term = 0;
  let readId = 0;
  while (reader.next()) {
    if (reader.field === 1) term = reader.uint();
    else if (reader.field === 2) readId = reader.uint();
    else reader.skip();
  }
  return { type: 'readIndexRequest', term, readId };
}

export function encodeReadIndexResponse(message: ReadIndexResponse): Uint8Array {
  const writer = new ProtobufWriter(expectedBytes);
  writeUint(writer, 1, message.term);
  writeUint(writer, 2, message.readId);
  if (message.index !== undefined) writer.uint(3, message.index);
  return writer.finish();
}

export function decodeReadIndexResponse(bytes: Uint8Array): ReadIndexResponse {
  const reader = new ProtobufReader(bytes);
  let term = 0;
  let readId = 0;
  let index: LogIndex | undefined;
  while (reader.next()) {
    if (reader.field === 1) term = reader.uint();
    else if (reader.field === 2) readId = reader.uint();
    else if (reader.field === 3) index = reader.uint();
    else reader.skip();
  }
  return { type: 'readIndexResponse', term, readId, index };
}
