import type { LogIndex, Term } from '@d-engine/base';
import { ProtobufReader, ProtobufWriter } from '@d-engine/base';
import { writeString, writeUint } from './fields.ts';

// Members hold the hashes of their states against each other (design rule 16).

/** To the leader: the hash of the sender's state as of the verify entry at `index`. */
export interface StateDigest {
  readonly type: 'stateDigest';
  readonly index: LogIndex;
  readonly digest: string;
}

/** From the leader of `term`: what its members should have found at `index`. */
export interface StateVerdict {
  readonly type: 'stateVerdict';
  readonly term: Term;
  readonly index: LogIndex;
  /** Null: no quorum of the voters agrees. */
  readonly digest: string | null;
}

const expectedBytes = 48;

export function encodeStateDigest(message: StateDigest): Uint8Array {
  const writer = new ProtobufWriter(expectedBytes);
  writeUint(writer, 1, message.index);
  writeString(writer, 2, message.digest);
  return writer.finish();
}

export function decodeStateDigest(bytes: Uint8Array): StateDigest {
  const reader = new ProtobufReader(bytes);
  let index = 0;
  let digest = '';
  while (reader.next()) {
    if (reader.field === 1) index = reader.uint();
    else if (reader.field === 2) digest = reader.string();
    else reader.skip();
  }
  return { type: 'stateDigest', index, digest };
}

export function encodeStateVerdict(message: StateVerdict): Uint8Array {
  const writer = new ProtobufWriter(expectedBytes);
  writeUint(writer, 1, message.term);
  writeUint(writer, 2, message.index);
  if (message.digest !== null) writer.string(3, message.digest);
  return writer.finish();
}

export function decodeStateVerdict(bytes: Uint8Array): StateVerdict {
  const reader = new ProtobufReader(bytes);
  let term = 0;
  let index = 0;
  let digest: string | null = null;
  while (reader.next()) {
    if (reader.field === 1) term = reader.uint();
    else if (reader.field === 2) index = reader.uint();
    else if (reader.field === 3) digest = reader.string();
    else reader.skip();
  }
  return { type: 'stateVerdict', term, index, digest };
}
