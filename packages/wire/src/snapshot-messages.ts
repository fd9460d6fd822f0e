import {
  type ClusterId,
  type LogIndex,
  MalformedMessage,
  ProtobufReader,
  ProtobufWriter,
  type Term,
} from '@d-engine/base';
import { emptyBytes, enumCodec, writeBytes, writeString, writeUint } from './fields.ts';

/**
 * A leader has this snapshot for a member whose next entry is no longer in its log. The answer says
 * from which byte on to send it; it is always that of the newest offer of a stream.
 */
export interface SnapshotOffer {
  readonly type: 'snapshotOffer';
  /** The sender's own name for the transfer; rises on each stream. */
  readonly transferId: number;
  /** The term that the sender leads. */
  readonly term: Term;
  readonly clusterId: ClusterId;
  readonly formedAtWallMs: number;
  /** The last entry that is in the snapshot. */
  readonly index: LogIndex;
  readonly snapshotTerm: Term;
  /** Of the file. */
  readonly lengthBytes: number;
  /** 64 hex digits: which bytes these are. */
  readonly sha256: string;
}

/** A piece of the file, in order. */
export interface SnapshotChunk {
  readonly type: 'snapshotChunk';
  readonly transferId: number;
  readonly offset: number;
  readonly crc32: number;
  readonly data: Uint8Array;
}

/**
 * `receiving`: everything before `offset` is there. `complete`: the member has all entries up to
 * `upTo`, by this snapshot or anyhow. `refused`: not now, and why.
 */
export interface SnapshotAnswer {
  readonly type: 'snapshotAnswer';
  readonly transferId: number;
  readonly state: 'receiving' | 'complete' | 'refused';
  readonly offset: number;
  readonly upTo: LogIndex;
  readonly reason: string;
}

const states = enumCodec('state of a snapshot', { receiving: 0, complete: 1, refused: 2 });

export function encodeSnapshotOffer(message: SnapshotOffer): Uint8Array {
  const writer = new ProtobufWriter(160);
  writeUint(writer, 1, message.transferId);
  writeUint(writer, 2, message.term);
  writeString(writer, 3, message.clusterId);
  writeUint(writer, 4, message.formedAtWallMs);
  writeUint(writer, 5, message.index);
  writeUint(writer, 6, message.snapshotTerm);
  writeUint(writer, 7, message.lengthBytes);
  writeString(writer, 8, message.sha256);
  return writer.finish();
}

export function decodeSnapshotOffer(bytes: Uint8Array): SnapshotOffer {
  const reader = new ProtobufReader(bytes);
  const numbers = [0, 0, 0, 0, 0, 0, 0, 0];
  let clusterId = '';
  let sha256 = '';
  while (reader.next()) {
    if (reader.field === 3) clusterId = reader.string();
    else if (reader.field === 8) sha256 = reader.string();
    else if (reader.field < 8) numbers[reader.field] = reader.uint();
    else reader.skip();
  }
  const [, transferId = 0, term = 0, , formedAtWallMs = 0, index = 0, snapshotTerm = 0] = numbers;
  const lengthBytes = numbers[7] ?? 0;
  if (index === 0 || lengthBytes === 0) throw new MalformedMessage('an offer of no snapshot');
  return {
    type: 'snapshotOffer',
    transferId,
    term,
    clusterId,
    formedAtWallMs,
    index,
    snapshotTerm,
    lengthBytes,
    sha256,
  };
}

export function encodeSnapshotChunk(message: SnapshotChunk): Uint8Array {
  const writer = new ProtobufWriter(message.data.length + 40);
  writeUint(writer, 1, message.transferId);
  writeUint(writer, 2, message.offset);
  writeUint(writer, 3, message.crc32);
  writeBytes(writer, 4, message.data);
  return writer.finish();
}

/** `data` is a view into `bytes`. */
export function decodeSnapshotChunk(bytes: Uint8Array): SnapshotChunk {
  const reader = new ProtobufReader(bytes);
  let transferId = 0;
  let offset = 0;
  let crc32 = 0;
  let data = emptyBytes;
  while (reader.next()) {
    if (reader.field === 1) transferId = reader.uint();
    else if (reader.field === 2) offset = reader.uint();
    else if (reader.field === 3) crc32 = reader.uint();
    else if (reader.field === 4) data = reader.bytes();
    else reader.skip();
  }
  return { type: 'snapshotChunk', transferId, offset, crc32, data };
}

export function encodeSnapshotAnswer(message: SnapshotAnswer): Uint8Array {
  const writer = new ProtobufWriter(message.reason.length + 48);
  writeUint(writer, 1, message.transferId);
  writeUint(writer, 2, states.toNumber(message.state));
  writeUint(writer, 3, message.offset);
  writeUint(writer, 4, message.upTo);
  writeString(writer, 5, message.reason);
  return writer.finish();
}

export function decodeSnapshotAnswer(bytes: Uint8Array): SnapshotAnswer {
  const reader = new ProtobufReader(bytes);
  let transferId = 0;
  let state = 0;
  let offset = 0;
  let upTo = 0;
  let reason = '';
  while (reader.next()) {
    if (reader.field === 1) transferId = reader.uint();
    else if (reader.field === 2) state = reader.uint();
    else if (reader.field === 3) offset = reader.uint();
    else if (reader.field === 4) upTo = reader.uint();
    else if (reader.field === 5) reason = reader.string();
    else reader.skip();
  }
  return {
    type: 'snapshotAnswer',
    transferId,
    state: states.toName(state),
    offset,
    upTo,
    reason,
  };
}
