import { crc32 } from 'node:zlib';
import type { InstanceId } from '@d-engine/base';
import type { StateMark } from '../state/state-mark.ts';

/** What stands under the one key that is found without knowing anything. */
export interface DiskMark {
  /** The data directory that the state belongs to. */
  readonly owner: InstanceId;
  /** Under which the keys stand. */
  readonly generation: number;
  readonly state: StateMark;
}

export const diskFormatVersion = 1;

/** JSON behind its CRC-32 u32 and format version u32, which stay where they are for ever. */
export function encodeMark(mark: DiskMark): Buffer {
  const text = Buffer.from(JSON.stringify(mark), 'utf8');
  const bytes = Buffer.allocUnsafe(8 + text.length);
  bytes.writeUInt32LE(diskFormatVersion, 4);
  bytes.set(text, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

export type DecodedMark =
  | { readonly type: 'mark'; readonly mark: DiskMark }
  | { readonly type: 'unknownVersion'; readonly version: number }
  | { readonly type: 'damaged' };

export function decodeMark(stored: Uint8Array): DecodedMark {
  const bytes = Buffer.from(stored);
  if (bytes.length < 8 || crc32(bytes.subarray(4)) !== bytes.readUInt32LE(0)) {
    return { type: 'damaged' };
  }
  const version = bytes.readUInt32LE(4);
  if (version !== diskFormatVersion) return { type: 'unknownVersion', version };
  // What has the right checksum and version is what `encodeMark` wrote.
  return { type: 'mark', mark: JSON.parse(bytes.toString('utf8', 8)) as DiskMark };
}
