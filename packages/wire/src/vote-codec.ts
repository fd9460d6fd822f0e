import { type LogIndex, ProtobufReader, ProtobufWriter, type Term } from '@d-engine/base';
import { writeBool, writeUint } from './fields.ts';
import type {
  PreVoteRequest,
  TimeoutNowRequest,
  VoteRequest,
  VoteResponse,
} from './raft-messages.ts';

// Elections. A pre-vote and a vote differ only in the field that has them in the frame, and in
// `leadership_transfer`, which a pre-vote never sets.

const expectedBytes = 32;

export function encodeVoteRequest(message: PreVoteRequest | VoteRequest): Uint8Array {
  const writer = new ProtobufWriter(expectedBytes);
  writeUint(writer, 1, message.term);
  writeUint(writer, 2, message.lastLogIndex);
  writeUint(writer, 3, message.lastLogTerm);
  if (message.type === 'voteRequest') writeBool(writer, 4, message.leadershipTransfer);
  writeBool(writer, 5, message.everyVoter);
  return writer.finish();
}

export function decodePreVoteRequest(bytes: Uint8Array): PreVoteRequest {
  const { term, lastLogIndex, lastLogTerm, everyVoter } = readVoteFields(bytes);
  return { type: 'preVoteRequest', term, lastLogIndex, lastLogTerm, everyVoter };
}

export function decodeVoteRequest(bytes: Uint8Array): VoteRequest {
  return { type: 'voteRequest', ...readVoteFields(bytes) };
}

interface VoteFields {
  term: Term;
  lastLogIndex: LogIndex;
  lastLogTerm: Term;
  leadershipTransfer: boolean;
  everyVoter: boolean;
}

function readVoteFields(bytes: Uint8Array): VoteFields {
  const reader = new ProtobufReader(bytes);
  const fields: VoteFields = {
    term: 0,
    lastLogIndex: 0,
    lastLogTerm: 0,
    leadershipTransfer: false,
    everyVoter: false,
  };
  while (reader.next()) {
    if (reader.field === 1) fields.term = reader.uint();
    else if (reader.field === 2) fields.lastLogIndex = reader.uint();
    else if (reader.field === 3) fields.lastLogTerm = reader.uint();
    else if (reader.field === 4) fields.leadershipTransfer = reader.bool();
    else if (reader.field === 5) fields.everyVoter = reader.bool();
    else reader.skip();
  }
  return fields;
}

export function encodeVoteResponse(message: VoteResponse): Uint8Array {
  const writer = new ProtobufWriter(expectedBytes);
  writeUint(writer, 1, message.term);
  writeBool(writer, 2, message.preVote);
  writeBool(writer, 3, message.granted);
  return writer.finish();
}

export function decodeVoteResponse(bytes: Uint8Array): VoteResponse {
  const reader = new ProtobufReader(bytes);
  let term = 0;
  let preVote = false;
  let granted = false;
  while (reader.next()) {
    if (reader.field === 1) term = reader.uint();
    else if (reader.field === 2) preVote = reader.bool();
    else if (reader.field === 3) granted = reader.bool();
    else reader.skip();
  }
  return { type: 'voteResponse', term, preVote, granted };
}

export function encodeTimeoutNow(message: TimeoutNowRequest): Uint8Array {
  const writer = new ProtobufWriter(expectedBytes);
  writeUint(writer, 1, message.term);
  return writer.finish();
}

export function decodeTimeoutNow(bytes: Uint8Array): TimeoutNowRequest {
  const reader = new ProtobufReader(bytes);
  let term = 0;
  while (reader.next()) {
    if (reader.field === 1) term = reader.uint();
    else reader.skip();
  }
  return { type: 'timeoutNowRequest', term };
}
