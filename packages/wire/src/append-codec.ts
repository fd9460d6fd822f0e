import {
  assert,
  decodeEntries,
  type Entry,
  type LogIndex,
  MalformedMessage,
  ProtobufReader,
  ProtobufWriter,
} from '@d-engine/base';
import { writeUint } from './fields.ts';
import type { AppendConflict, AppendRequest, AppendResponse } from './raft-messages.ts';

// Replication: the hot messages. An append is two fields of the frame, its scalars and the bytes of
// its entries, so that megabytes of entries are copied once and not once per level of nesting.

const expectedBytes = 48;

/** Everything but the entries. */
export function encodeAppendHead(message: AppendRequest): Uint8Array {
  const writer = new ProtobufWriter(expectedBytes);
  writeUint(writer, 1, message.term);
  writeUint(writer, 2, message.leaderCommit);
  writeUint(writer, 3, message.token);
  writeUint(writer, 4, message.stickinessMs);
  writeUint(writer, 5, message.prevLogIndex);
  writeUint(writer, 6, message.prevLogTerm);
  return writer.finish();
}

/**
 * The encodings of the entries, for one bytes field. Entries that were encoded as one batch lie
 * side by side in memory: such a run is one chunk, one copy.
 */
export function entryChunks(message: AppendRequest): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let run: Uint8Array | undefined;
  let index = message.prevLogIndex;
  for (const { encoded, index: entryIndex } of message.entries) {
    index += 1;
    assert(
      entryIndex === index,
      () => `entry ${entryIndex} of an append stands where ${index} must`,
    );
    if (run !== undefined && follows(run, encoded)) {
      run = new Uint8Array(run.buffer, run.byteOffset, run.length + encoded.length);
    } else {
      if (run !== undefined) chunks.push(run);
      run = encoded;
    }
  }
  if (run !== undefined) chunks.push(run);
  return chunks;
}

function follows(run: Uint8Array, next: Uint8Array): boolean {
  return run.buffer === next.buffer && run.byteOffset + run.length === next.byteOffset;
}

/** `entryBytes` is the frame's field of entries; the entries are views into it. */
export function decodeAppendRequest(head: Uint8Array, entryBytes: Uint8Array): AppendRequest {
  const reader = new ProtobufReader(head);
  const fields = {
    term: 0,
    leaderCommit: 0,
    token: 0,
    stickinessMs: 0,
    prevLogIndex: 0,
    prevLogTerm: 0,
  };
  while (reader.next()) {
    if (reader.field === 1) fields.term = reader.uint();
    else if (reader.field === 2) fields.leaderCommit = reader.uint();
    else if (reader.field === 3) fields.token = reader.uint();
    else if (reader.field === 4) fields.stickinessMs = reader.uint();
    else if (reader.field === 5) fields.prevLogIndex = reader.uint();
    else if (reader.field === 6) fields.prevLogTerm = reader.uint();
    else reader.skip();
  }
  const entries = decodeEntries(entryBytes);
  refuseGaps(entries, fields.prevLogIndex);
  return { type: 'appendRequest', ...fields, entries };
}

/** A gap must be the peer's fault here and not an assertion of ours later. */
function refuseGaps(entries: readonly Entry[], prevLogIndex: LogIndex): void {
  let index = prevLogIndex;
  for (const entry of entries) {
    index += 1;
    if (entry.index === index) continue;
    throw new MalformedMessage(`entry ${entry.index} of an append stands where ${index} must`);
  }
}

export function encodeAppendResponse(message: AppendResponse): Uint8Array {
  const writer = new ProtobufWriter(expectedBytes);
  writeUint(writer, 1, message.term);
  writeUint(writer, 2, message.token);
  const result = message.result;
  if (result.type === 'matched') writer.uint(3, result.matchIndex);
  else writer.bytes(4, encodeConflict(result));
  return writer.finish();
}

function encodeConflict(conflict: AppendConflict): Uint8Array {
  const writer = new ProtobufWriter(expectedBytes);
  writeUint(writer, 1, conflict.rejectedIndex);
  writeUint(writer, 2, conflict.hintIndex);
  writeUint(writer, 3, conflict.hintTerm);
  return writer.finish();
}

export function decodeAppendResponse(bytes: Uint8Array): AppendResponse {
  const reader = new ProtobufReader(bytes);
  let term = 0;
  let token = 0;
  let result: AppendResponse['result'] | undefined;
  while (reader.next()) {
    if (reader.field === 1) term = reader.uint();
    else if (reader.field === 2) token = reader.uint();
    else if (reader.field === 3) result = { type: 'matched', matchIndex: reader.uint() };
    else if (reader.field === 4) result = decodeConflict(reader.bytes());
    else reader.skip();
  }
  if (result === undefined) throw new MalformedMessage('an append response without a result');
  return { type: 'appendResponse', term, token, result };
}

function decodeConflict(bytes: Uint8Array): AppendConflict {
  const reader = new ProtobufReader(bytes);
  let rejectedIndex = 0;
  let hintIndex = 0;
  let hintTerm = 0;
  while (reader.next()) {
    if (reader.field === 1) rejectedIndex = reader.uint();
    else if (reader.field === 2) hintIndex = reader.uint();
    else if (reader.field === 3) hintTerm = reader.uint();
    else reader.skip();
  }
  return { type: 'conflict', rejectedIndex, hintIndex, hintTerm };
}
