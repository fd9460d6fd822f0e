import { type LeaderHint, ProtobufReader, ProtobufWriter } from '@d-engine/base';
import { writeString, writeUint } from './fields.ts';

/** `d_engine.common.LeaderHint`. */
export function encodeLeaderHint(hint: LeaderHint): Uint8Array {
  const writer = new ProtobufWriter();
  writeUint(writer, 1, hint.id);
  writeString(writer, 2, hint.address);
  return writer.finish();
}

export function decodeLeaderHint(bytes: Uint8Array): LeaderHint {
  const reader = new ProtobufReader(bytes);
  let id = 0;
  let address = '';
  while (reader.next()) {
    if (reader.field === 1) id = reader.uint();
    else if (reader.field === 2) address = reader.string();
    else reader.skip();
  }
  return { id, address };
}
