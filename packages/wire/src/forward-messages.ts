import {
  type ErrorName,
  errorNameOf,
  errorRegistry,
  type LeaderHint,
  MalformedMessage,
  ProtobufReader,
  ProtobufWriter,
  type SessionStamp,
} from '@d-engine/base';
import {
  decodeClientResponse,
  encodeClientResponse,
  type WriteOutcome,
} from './client-response.ts';
import { emptyBytes, writeBytes, writeString, writeUint } from './fields.ts';
import { decodeLeaderHint, encodeLeaderHint } from './leader-hint.ts';
import { SessionFields, writeSession } from './session-stamp.ts';

/** A write that a follower passes on to the leader: one hop, never forwarded again (rule 9). */
export interface ForwardWrite {
  readonly type: 'forwardWrite';
  /** The sender's own name for it, unique on its stream. */
  readonly forwardId: number;
  /** The client's own bytes of the WriteCommand. */
  readonly command: Uint8Array;
  /** Time that the caller will still wait. */
  readonly deadlineMs: number;
  readonly session?: SessionStamp | undefined;
}

export interface ForwardError {
  readonly type: 'error';
  readonly name: ErrorName;
  readonly message: string;
  readonly leader?: LeaderHint | undefined;
  readonly retryAfterMs?: number | undefined;
}

export interface ForwardWriteResult {
  readonly type: 'forwardWriteResult';
  readonly forwardId: number;
  readonly outcome: ({ readonly type: 'ok' } & WriteOutcome) | ForwardError;
}

export function encodeForwardWrite(message: ForwardWrite): Uint8Array {
  const writer = new ProtobufWriter(message.command.length + 48);
  writeUint(writer, 1, message.forwardId);
  writeBytes(writer, 2, message.command);
  // What is left of a deadline has fractions; less than a millisecond is not none.
  writer.uint(3, Math.max(1, Math.ceil(message.deadlineMs)));
  writeSession(writer, 4, message.session);
  return writer.finish();
}

export function decodeForwardWrite(bytes: Uint8Array): ForwardWrite {
  const reader = new ProtobufReader(bytes);
  const session = new SessionFields(4);
  let forwardId = 0;
  let command = emptyBytes;
  let deadlineMs = 0;
  while (reader.next()) {
    if (reader.field === 1) forwardId = reader.uint();
    else if (reader.field === 2) command = reader.bytes();
    else if (reader.field === 3) deadlineMs = reader.uint();
    else if (!session.take(reader)) reader.skip();
  }
  return { type: 'forwardWrite', forwardId, command, deadlineMs, session: session.stamp() };
}

export function encodeForwardWriteResult(message: ForwardWriteResult): Uint8Array {
  const writer = new ProtobufWriter();
  writeUint(writer, 1, message.forwardId);
  const outcome = message.outcome;
  if (outcome.type === 'error') writer.bytes(3, encodeForwardError(outcome));
  else writer.bytes(2, encodeClientResponse({ ...outcome, type: 'write' }));
  return writer.finish();
}

export function decodeForwardWriteResult(bytes: Uint8Array): ForwardWriteResult {
  const reader = new ProtobufReader(bytes);
  let forwardId = 0;
  let outcome: ForwardWriteResult['outcome'] | undefined;
  while (reader.next()) {
    if (reader.field === 1) forwardId = reader.uint();
    else if (reader.field === 2) outcome = decodeOutcome(reader.bytes());
    else if (reader.field === 3) outcome = decodeForwardError(reader.bytes());
    else reader.skip();
  }
  if (outcome === undefined) throw new MalformedMessage('a forwarded write without an outcome');
  return { type: 'forwardWriteResult', forwardId, outcome };
}

function decodeOutcome(bytes: Uint8Array): ForwardWriteResult['outcome'] {
  const response = decodeClientResponse(bytes);
  if (response.type !== 'write') {
    throw new MalformedMessage(`a forwarded write was answered by ${response.type}`);
  }
  return { ...response, type: 'ok' };
}

function encodeForwardError(error: ForwardError): Uint8Array {
  const writer = new ProtobufWriter(error.message.length + 48);
  writer.uint(1, errorRegistry[error.name].code);
  writeString(writer, 2, error.message);
  if (error.leader !== undefined) writer.bytes(3, encodeLeaderHint(error.leader));
  if (error.retryAfterMs !== undefined) writer.uint(4, Math.ceil(error.retryAfterMs));
  return writer.finish();
}

function decodeForwardError(bytes: Uint8Array): ForwardError {
  const reader = new ProtobufReader(bytes);
  let name: ErrorName = 'Uncategorized';
  let message = '';
  let leader: LeaderHint | undefined;
  let retryAfterMs: number | undefined;
  while (reader.next()) {
    if (reader.field === 1) name = errorNameOf(reader.uint()) ?? 'Uncategorized';
    else if (reader.field === 2) message = reader.string();
    else if (reader.field === 3) leader = decodeLeaderHint(reader.bytes());
    else if (reader.field === 4) retryAfterMs = reader.uint();
    else reader.skip();
  }
  return { type: 'error', name, message, leader, retryAfterMs };
}
