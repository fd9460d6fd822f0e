import {
  type Consistency,
  type LeaseId,
  limits,
  MalformedMessage,
  ProtobufReader,
  ProtobufWriter,
  type Revision,
  type SessionStamp,
} from '@d-engine/base';
import { type EnumCodec, enumCodec, writeUint } from './fields.ts';
import { SessionFields, writeSession } from './session-stamp.ts';

/** `d_engine.client.ReadConsistencyPolicy`. */
export const readConsistencyCodec: EnumCodec<Consistency> = enumCodec<Consistency>(
  'read consistency',
  {
    lease: 0,
    linearizable: 1,
    eventual: 2,
  },
);

/** `d_engine.client.ClientWriteRequest`. */
export interface ClientWriteRequest {
  readonly clientId: number;
  /**
   * The WriteCommand exactly as the client encoded it: these bytes become the payload of the log
   * entry. A view into the request: copy what must outlive it.
   */
  readonly command: Uint8Array;
  readonly session?: SessionStamp | undefined;
}

export function encodeClientWriteRequest(request: ClientWriteRequest): Uint8Array {
  const writer = new ProtobufWriter(request.command.length + 16);
  writeUint(writer, 1, request.clientId);
  writer.bytes(2, request.command);
  writeSession(writer, 100, request.session);
  return writer.finish();
}

/** Throws {@link MalformedMessage}; also when there is no command, or more than one. */
export function decodeClientWriteRequest(bytes: Uint8Array): ClientWriteRequest {
  const reader = new ProtobufReader(bytes);
  const session = new SessionFields(100);
  let clientId = 0;
  let command: Uint8Array | undefined;
  while (reader.next()) {
    if (reader.field === 1) clientId = reader.uint();
    else if (reader.field === 2) {
      // The original repeated this field until 0.1.4; half of a batch must not be applied.
      if (command !== undefined) throw new MalformedMessage('more than one command in a write');
      command = reader.bytes();
    } else if (!session.take(reader)) reader.skip();
  }
  if (command === undefined) throw new MalformedMessage('a write request without a command');
  return { clientId, command, session: session.stamp() };
}

/** `d_engine.client.ClientReadRequest`. */
export interface ClientReadRequest {
  readonly clientId: number;
  readonly keys: readonly Uint8Array[];
  /** Undefined: the server's default_policy; so is a policy that this version does not know. */
  readonly consistency: Consistency | undefined;
  /** Waits until the answering member has applied this revision; 0: does not wait. */
  readonly minRevision: Revision;
  /** Asks for this lease instead of keys. */
  readonly lease?: LeaseId | undefined;
}

export function encodeClientReadRequest(request: ClientReadRequest): Uint8Array {
  const writer = new ProtobufWriter();
  writeUint(writer, 1, request.clientId);
  for (const key of request.keys) writer.bytes(2, key);
  if (request.consistency !== undefined) {
    writer.uint(3, readConsistencyCodec.toNumber(request.consistency));
  }
  writeUint(writer, 100, request.minRevision);
  if (request.lease !== undefined) writer.uint(101, request.lease);
  return writer.finish();
}

/** Keys are views into the request. Throws {@link MalformedMessage}; also for too many keys. */
export function decodeClientReadRequest(bytes: Uint8Array): ClientReadRequest {
  const reader = new ProtobufReader(bytes);
  const keys: Uint8Array[] = [];
  let clientId = 0;
  let consistency: Consistency | undefined;
  let minRevision = 0;
  let lease: LeaseId | undefined;
  while (reader.next()) {
    if (reader.field === 1) clientId = reader.uint();
    else if (reader.field === 2) {
      // Each key costs two bytes on the wire and an object here: the bound is checked on the way.
      if (keys.length === limits.readKeysMax) {
        throw new MalformedMessage(`a read of more than ${limits.readKeysMax} keys`);
      }
      keys.push(reader.bytes());
    } else if (reader.field === 3) consistency = readConsistencyCodec.find(reader.int32());
    else if (reader.field === 100) minRevision = reader.uint();
    else if (reader.field === 101) lease = reader.uint();
    else reader.skip();
  }
  return { clientId, keys, consistency, minRevision, lease };
}
