import type { StoreChange, StoreEntry } from 'd-engine/storage';

/**
 * LMDB takes keys of up to 1978 bytes. Longer ones that begin alike stand together in one bucket,
 * under their first bytes and a zero: right behind the key that consists of these bytes, and before
 * whatever comes after that. A bucket is a list in the order of the keys: key length u32, value
 * length u32, little-endian, key, value.
 */
export const keyBytesMax = 1_976;
const bucketKeyBytes = keyBytesMax + 1;
const headBytes = 8;

export function bucketOf(key: Uint8Array): Buffer {
  const bucket = Buffer.alloc(bucketKeyBytes);
  bucket.set(key.subarray(0, keyBytesMax));
  return bucket;
}

/** What stands under a key of LMDB: itself, or all that a bucket holds. */
export function entriesOf(key: Buffer, value: Buffer, isFalling: boolean): readonly StoreEntry[] {
  if (key.length !== bucketKeyBytes) return [{ key, value }];
  const entries = [...read(value)];
  return isFalling ? entries.reverse() : entries;
}

export function valueIn(bucket: Buffer, key: Uint8Array): Uint8Array | undefined {
  for (const entry of read(bucket)) if (Buffer.compare(entry.key, key) === 0) return entry.value;
  return undefined;
}

/** The bucket after the changes; null when it is empty. */
export function withChanges(
  bucket: Buffer | undefined,
  changes: readonly StoreChange[],
): Buffer | null {
  const entries = new Map<string, StoreEntry>();
  const nameOf = (key: Uint8Array): string => Buffer.from(key).toString('latin1');
  if (bucket !== undefined) for (const entry of read(bucket)) entries.set(nameOf(entry.key), entry);
  for (const { key, value } of changes) {
    if (value === null) entries.delete(nameOf(key));
    else entries.set(nameOf(key), { key, value });
  }
  if (entries.size === 0) return null;
  const sorted = [...entries.values()].sort((one, other) => Buffer.compare(one.key, other.key));
  return Buffer.concat(sorted.flatMap(({ key, value }) => [headOf(key, value), key, value]));
}

function headOf(key: Uint8Array, value: Uint8Array): Buffer {
  const head = Buffer.allocUnsafe(headBytes);
  head.writeUInt32LE(key.length, 0);
  head.writeUInt32LE(value.length, 4);
  return head;
}

function* read(bucket: Buffer): Generator<StoreEntry> {
  for (let at = 0; at < bucket.length; ) {
    const keyAt = at + headBytes;
    const valueAt = keyAt + bucket.readUInt32LE(at);
    const end = valueAt + bucket.readUInt32LE(at + 4);
    yield { key: bucket.subarray(keyAt, valueAt), value: bucket.subarray(valueAt, end) };
    at = end;
  }
}
