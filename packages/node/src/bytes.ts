import type { BytesLike } from '@d-engine/base';

/** Text becomes UTF-8; bytes are copied, so that the caller may go on using its buffer. */
export function toBytes(value: BytesLike): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value, 'utf8') : Uint8Array.from(value);
}
