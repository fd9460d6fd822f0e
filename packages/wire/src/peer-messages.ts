import type { Plane } from '@d-engine/base';
import { assert, MalformedMessage, must, ProtobufReader, ProtobufWriter } from '@d-engine/base';
import {
  decodeAppendRequest,
  decodeAppendResponse,
  encodeAppendHead,
  encodeAppendResponse,
  entryChunks,
} from './append-codec.ts';
import {
  decodeStateDigest,
  decodeStateVerdict,
  encodeStateDigest,
  encodeStateVerdict,
} from './divergence-messages.ts';
import { emptyBytes } from './fields.ts';
import {
  decodeForwardWrite,
  decodeForwardWriteResult,
  encodeForwardWrite,
  encodeForwardWriteResult,
} from './forward-messages.ts';
import {
  decodeHeartbeatRequest,
  decodeHeartbeatResponse,
  decodeReadIndexRequest,
  decodeReadIndexResponse,
  encodeHeartbeatRequest,
  encodeHeartbeatResponse,
  encodeReadIndexRequest,
  encodeReadIndexResponse,
} from './heartbeat-codec.ts';
import { decodeHello, decodeHelloRefused, encodeHello, encodeHelloRefused } from './hello.ts';
import type { PeerFrame, PeerFrameType } from './peer-frame.ts';
import { travelsOn } from './planes.ts';
import type { AppendRequest } from './raft-messages.ts';
import {
  decodeSnapshotAnswer,
  decodeSnapshotChunk,
  decodeSnapshotOffer,
  encodeSnapshotAnswer,
  encodeSnapshotChunk,
  encodeSnapshotOffer,
} from './snapshot-messages.ts';
import {
  decodePreVoteRequest,
  decodeTimeoutNow,
  decodeVoteRequest,
  decodeVoteResponse,
  encodeTimeoutNow,
  encodeVoteRequest,
  encodeVoteResponse,
} from './vote-codec.ts';

const frameFields: Readonly<Record<PeerFrameType, number>> = {
  hello: 1,
  helloRefused: 2,
  preVoteRequest: 3,
  voteRequest: 4,
  voteResponse: 5,
  appendRequest: 6,
  appendResponse: 7,
  heartbeatRequest: 8,
  heartbeatResponse: 9,
  timeoutNowRequest: 10,
  readIndexRequest: 11,
  readIndexResponse: 12,
  forwardWrite: 13,
  forwardWriteResult: 14,
  snapshotOffer: 15,
  snapshotChunk: 16,
  snapshotAnswer: 17,
  stateDigest: 18,
  stateVerdict: 19,
};
const appendField = frameFields.appendRequest;
/** The entries of an append request, beside it. */
const entriesField = 20;

type Decoder = (bytes: Uint8Array) => Exclude<PeerFrame, AppendRequest>;

const decoders: ReadonlyMap<number, Decoder> = new Map<number, Decoder>([
  [frameFields.hello, decodeHello],
  [frameFields.helloRefused, decodeHelloRefused],
  [frameFields.preVoteRequest, decodePreVoteRequest],
  [frameFields.voteRequest, decodeVoteRequest],
  [frameFields.voteResponse, decodeVoteResponse],
  [frameFields.appendResponse, decodeAppendResponse],
  [frameFields.heartbeatRequest, decodeHeartbeatRequest],
  [frameFields.heartbeatResponse, decodeHeartbeatResponse],
  [frameFields.timeoutNowRequest, decodeTimeoutNow],
  [frameFields.readIndexRequest, decodeReadIndexRequest],
  [frameFields.readIndexResponse, decodeReadIndexResponse],
  [frameFields.forwardWrite, decodeForwardWrite],
  [frameFields.forwardWriteResult, decodeForwardWriteResult],
  [frameFields.snapshotOffer, decodeSnapshotOffer],
  [frameFields.snapshotChunk, decodeSnapshotChunk],
  [frameFields.snapshotAnswer, decodeSnapshotAnswer],
  [frameFields.stateDigest, decodeStateDigest],
  [frameFields.stateVerdict, decodeStateVerdict],
]);

/** A message on the wrong plane is a defect of ours: `InvariantViolation`. */
export function encodePeerFrame(plane: Plane, frame: PeerFrame): Uint8Array {
  assert(travelsOn(frame.type, plane), () => `${frame.type} must not travel on ${plane}`);
  if (frame.type === 'appendRequest') return encodeAppend(frame);
  const inner = encodeInner(frame);
  const writer = new ProtobufWriter(inner.length + 8);
  writer.bytes(frameFields[frame.type], inner);
  return writer.finish();
}

function encodeAppend(message: AppendRequest): Uint8Array {
  const chunks = entryChunks(message);
  let bytes = 64;
  for (const chunk of chunks) bytes += chunk.length;
  const writer = new ProtobufWriter(bytes);
  writer.bytes(appendField, encodeAppendHead(message));
  if (chunks.length > 0) writer.chunks(entriesField, chunks);
  return writer.finish();
}

function encodeInner(frame: Exclude<PeerFrame, AppendRequest>): Uint8Array {
  switch (frame.type) {
    case 'hello':
      return encodeHello(frame);
    case 'helloRefused':
      return encodeHelloRefused(frame);
    case 'preVoteRequest':
    case 'voteRequest':
      return encodeVoteRequest(frame);
    case 'voteResponse':
      return encodeVoteResponse(frame);
    case 'appendResponse':
      return encodeAppendResponse(frame);
    case 'heartbeatRequest':
      return encodeHeartbeatRequest(frame);
    case 'heartbeatResponse':
      return encodeHeartbeatResponse(frame);
    case 'timeoutNowRequest':
      return encodeTimeoutNow(frame);
    case 'readIndexRequest':
      return encodeReadIndexRequest(frame);
    case 'readIndexResponse':
      return encodeReadIndexResponse(frame);
    case 'forwardWrite':
      return encodeForwardWrite(frame);
    case 'forwardWriteResult':
      return encodeForwardWriteResult(frame);
    case 'snapshotOffer':
      return encodeSnapshotOffer(frame);
    case 'snapshotChunk':
      return encodeSnapshotChunk(frame);
    case 'snapshotAnswer':
      return encodeSnapshotAnswer(frame);
    case 'stateDigest':
      return encodeStateDigest(frame);
    case 'stateVerdict':
      return encodeStateVerdict(frame);
  }
}

/**
 * Decodes one message of a peer stream. Entries, commands and values are views into `bytes`.
 * Throws {@link MalformedMessage} or `MalformedEntry`; also for a message on the wrong plane.
 */
export function decodePeerFrame(plane: Plane, bytes: Uint8Array): PeerFrame {
  const frame = readFrame(bytes);
  if (travelsOn(frame.type, plane)) return frame;
  throw new MalformedMessage(`${frame.type} must not travel on ${plane}`);
}

function readFrame(bytes: Uint8Array): PeerFrame {
  const reader = new ProtobufReader(bytes);
  let field = 0;
  let inner = emptyBytes;
  let entryBytes = emptyBytes;
  while (reader.next()) {
    if (reader.field === entriesField) entryBytes = reader.bytes();
    else if (reader.field === appendField || decoders.has(reader.field)) {
      if (field !== 0) throw new MalformedMessage('a peer frame with two messages');
      field = reader.field;
      inner = reader.bytes();
    } else reader.skip();
  }
  if (field === appendField) return decodeAppendRequest(inner, entryBytes);
  if (field === 0) throw new MalformedMessage('a peer message of a kind that is not known');
  return must(decoders.get(field), 'decoder')(inner);
}
