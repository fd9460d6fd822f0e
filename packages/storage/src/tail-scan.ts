import type { DiskFile, InstanceId } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { LogPosition } from './record-header.ts';
import {
  decodeRecordHeader,
  isBefore,
  mayBeRecord,
  recordAlignment,
  recordHeaderBytes,
  recordSeed,
} from './record-header.ts';

const chunkBytes = 1024 * 1024;

export interface TailScan {
  /** After the last byte that is not zero; where the scan began when all of them are. */
  readonly nonZeroEnd: number;
  /** The largest durable position that any record header found here claims. */
  readonly durable: LogPosition | undefined;
}

export interface TailScanOptions {
  readonly file: DiskFile;
  readonly segmentId: number;
  readonly owner: InstanceId;
  /** Where the log seems to end. */
  readonly from: number;
  readonly capacity: number;
  /** So many zeros on end are enough: no single write reaches further. */
  readonly quietBytes: number;
}

/**
 * Looks behind the end of the log. A write cut short by a crash may have left its later sectors;
 * and records that claim a durable position tell that the end is no end but damage.
 */
export async function scanTail(options: TailScanOptions): Promise<TailScan> {
  const { file, from, capacity, quietBytes } = options;
  assert(from % recordAlignment === 0, 'records are aligned');
  const seed = recordSeed(options.owner, options.segmentId);
  const zeros = Buffer.alloc(Math.min(chunkBytes, Math.max(capacity - from, 0)));
  let nonZeroEnd = from;
  let durable: LogPosition | undefined;
  for (let start = from; start < capacity; start += chunkBytes) {
    if (start - nonZeroEnd >= quietBytes) break;
    // A header may reach into the next chunk.
    const length = Math.min(chunkBytes + recordHeaderBytes, capacity - start);
    const bytes = await file.read(start, length);
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const own = chunk.subarray(0, chunkBytes);
    if (own.equals(zeros.subarray(0, own.length))) continue;
    nonZeroEnd = start + lastNonZero(own) + 1;
    durable = later(durable, claimedDurable(chunk, seed));
  }
  return { nonZeroEnd, durable };
}

function lastNonZero(chunk: Buffer): number {
  let position = chunk.length - 1;
  while (position >= 0 && chunk[position] === 0) position -= 1;
  assert(position >= 0, 'a chunk of zeros');
  return position;
}

function claimedDurable(chunk: Buffer, seed: number): LogPosition | undefined {
  let durable: LogPosition | undefined;
  const last = Math.min(chunk.length - recordHeaderBytes, chunkBytes - recordAlignment);
  for (let offset = 0; offset <= last; offset += recordAlignment) {
    if (!mayBeRecord(chunk, offset)) continue;
    durable = later(durable, decodeRecordHeader(chunk, offset, seed)?.durable);
  }
  return durable;
}

function later(
  left: LogPosition | undefined,
  right: LogPosition | undefined,
): LogPosition | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return isBefore(left, right) ? right : left;
}
