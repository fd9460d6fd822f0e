import { type LeaseStatus, ProtobufReader, ProtobufWriter } from '@d-engine/base';
import { writeUint } from './fields.ts';

/** A lease as a read saw it; the read itself says at which revision. */
export type LeaseState = Omit<LeaseStatus, 'revision'>;

/** `d_engine.client.LeaseStatus`. */
export function encodeLeaseState(state: LeaseState): Uint8Array {
  const writer = new ProtobufWriter(64);
  writeUint(writer, 1, state.lease);
  writeUint(writer, 2, state.ttlMs);
  writeUint(writer, 3, state.leftMs);
  for (const key of state.keys) writer.bytes(4, key);
  return writer.finish();
}

/** Keys are views. */
export function decodeLeaseState(bytes: Uint8Array): LeaseState {
  const reader = new ProtobufReader(bytes);
  const keys: Uint8Array[] = [];
  const numbers = { lease: 0, ttlMs: 0, leftMs: 0 };
  while (reader.next()) {
    if (reader.field === 1) numbers.lease = reader.uint();
    else if (reader.field === 2) numbers.ttlMs = reader.uint();
    else if (reader.field === 3) numbers.leftMs = reader.uint();
    else if (reader.field === 4) keys.push(reader.bytes());
    else reader.skip();
  }
  return { ...numbers, keys };
}
