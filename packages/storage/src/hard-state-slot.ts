import { crc32 } from 'node:zlib';
import type { InstanceId } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { HardState } from '@d-engine/raft';
import { readExact, writeExact } from './exact-integer.ts';

/**
 * One copy of the hard state. Little-endian: magic 8 bytes, format version u32, flags u32 (1: a
 * vote), sequence u64, term u64, voted-for node id u64, voted-for instance 16 bytes, owner 16
 * bytes, stickiness f64 in ms, reserved u32 (0), CRC-32 of everything before it.
 */
export const hardStateSlotBytes = 88;
export const hardStateFormatVersion = 1;

const magic = 'dEngHard';
const flagVoted = 1;
const crcOffset = hardStateSlotBytes - 4;
const noInstance = '0'.repeat(32);

export interface HardStateSlot {
  /** Rises by one with each state; 1 is the empty state that the file is made with. */
  readonly sequence: number;
  /** The instance id of the data directory. */
  readonly owner: InstanceId;
  readonly state: HardState;
}

export function encodeHardStateSlot(slot: HardStateSlot): Buffer {
  const { term, votedFor, stickinessMs } = slot.state;
  assert(stickinessMs >= 0 && Number.isFinite(stickinessMs), 'stickiness is no duration');
  assert(votedFor === null || votedFor.nodeId > 0, 'a vote for nobody');
  const buffer = Buffer.alloc(hardStateSlotBytes);
  buffer.write(magic, 0, 'latin1');
  buffer.writeUInt32LE(hardStateFormatVersion, 8);
  buffer.writeUInt32LE(votedFor === null ? 0 : flagVoted, 12);
  writeExact(buffer, 16, slot.sequence);
  writeExact(buffer, 24, term);
  writeExact(buffer, 32, votedFor?.nodeId ?? 0);
  buffer.write(votedFor?.instanceId ?? noInstance, 40, 'hex');
  buffer.write(slot.owner, 56, 'hex');
  buffer.writeDoubleLE(stickinessMs, 72);
  buffer.writeUInt32LE(crc32(buffer.subarray(0, crcOffset)), crcOffset);
  return buffer;
}

export type SlotContent =
  | { readonly type: 'valid'; readonly slot: HardStateSlot }
  | { readonly type: 'damaged' }
  | { readonly type: 'unsupported'; readonly version: number };

export function decodeHardStateSlot(bytes: Uint8Array): SlotContent {
  const damaged: SlotContent = { type: 'damaged' };
  if (bytes.length < hardStateSlotBytes) return damaged;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, hardStateSlotBytes);
  if (buffer.toString('latin1', 0, 8) !== magic) return damaged;
  if (buffer.readUInt32LE(crcOffset) !== crc32(buffer.subarray(0, crcOffset))) return damaged;
  const version = buffer.readUInt32LE(8);
  if (version !== hardStateFormatVersion) return { type: 'unsupported', version };
  const flags = buffer.readUInt32LE(12);
  const sequence = readExact(buffer, 16);
  const term = readExact(buffer, 24);
  const nodeId = readExact(buffer, 32);
  if (sequence === undefined || term === undefined || nodeId === undefined) return damaged;
  if ((flags & ~flagVoted) !== 0 || buffer.readUInt32LE(80) !== 0) return damaged;
  const instanceId = buffer.toString('hex', 40, 56);
  const votedFor = flags === flagVoted ? { nodeId, instanceId } : null;
  const state: HardState = { term, votedFor, stickinessMs: buffer.readDoubleLE(72) };
  return { type: 'valid', slot: { sequence, owner: buffer.toString('hex', 56, 72), state } };
}
