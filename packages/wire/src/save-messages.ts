import { ProtobufReader, ProtobufWriter } from '@d-engine/base';
import { emptyBytes, writeBytes } from './fields.ts';

/** The request for a snapshot says nothing: there is one state. */
export const saveSnapshotRequestBytes: Uint8Array = emptyBytes;

/** Some of the bytes of a snapshot file, in order. The file ends with its own checksums. */
export interface SnapshotPart {
  readonly data: Uint8Array;
}

export function encodeSnapshotPart({ data }: SnapshotPart): Uint8Array {
  const writer = new ProtobufWriter(data.length + 8);
  writeBytes(writer, 1, data);
  return writer.finish();
}

/** `data` is a view of `bytes`. */
export function decodeSnapshotPart(bytes: Uint8Array): SnapshotPart {
  const reader = new ProtobufReader(bytes);
  let data = emptyBytes;
  while (reader.next()) {
    if (reader.field === 1) data = reader.bytes();
    else reader.skip();
  }
  return { data };
}
