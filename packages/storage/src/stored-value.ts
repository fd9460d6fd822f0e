import type { Revision } from '@d-engine/base';
import type { HashedMeta, HashLanes } from './state-hash.ts';

/** One key's value and what is known about it. */
export class StoredValue implements HashLanes, HashedMeta {
  /** Bytes of its own, never a view of a socket's or the log's buffer, which it would pin. */
  readonly value: Uint8Array;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  /** Writes since it was created: 1 after the first. */
  version = 1;
  /** Cluster time; 0: never. */
  readonly expiresAt: number = 0;
  /** 0: none. */
  readonly lease: Revision = 0;
  hashLow = 0;
  hashHigh = 0;

  constructor(value: Uint8Array, createRevision: Revision, modRevision: Revision) {
    this.value = ownCopy(value);
    this.createRevision = createRevision;
    this.modRevision = modRevision;
  }
}

function ownCopy(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && Buffer.compare(left, right) === 0;
}
