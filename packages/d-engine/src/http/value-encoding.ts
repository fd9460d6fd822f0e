import { isUtf8 } from 'node:buffer';
import { DEngineError } from '@d-engine/base';

/** How values stand in JSON. Keys are always text. */
export const encodings = ['utf8', 'base64'] as const;
export type Encoding = (typeof encodings)[number];

/** Throws for anything but one of {@link encodings}, in any case; absent: undefined. */
export function parseEncoding(value: unknown): Encoding | undefined {
  if (value === undefined) return undefined;
  const wanted = typeof value === 'string' ? value.toLowerCase() : undefined;
  const known = encodings.find((encoding) => encoding === wanted);
  if (known !== undefined) return known;
  throw new DEngineError(
    'InvalidRequest',
    `encoding ${JSON.stringify(value)} is not known: use one of ${encodings.join(', ')}`,
  );
}

/** The bytes of a value of a request. */
export function decodeValue(text: string, encoding: Encoding | undefined, name: string): Buffer {
  if (encoding !== 'base64') return Buffer.from(text, 'utf8');
  const bytes = Buffer.from(text, 'base64');
  // Node skips whatever is not base64; written back it must be what came.
  if (bytes.toString('base64') === text) return bytes;
  throw new DEngineError(
    'InvalidRequest',
    `"${name}" is not base64 (standard alphabet, with "=" padding)`,
  );
}

export interface EncodedValue {
  readonly text: string;
  /** Said in the answer, so that base64 is never taken for the value itself. */
  readonly encoding: 'base64' | undefined;
}

/** A value for an answer: text where it is text, unless base64 was asked for. */
export function encodeValue(value: Uint8Array, wanted: Encoding | undefined): EncodedValue {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (wanted !== 'base64' && isUtf8(bytes)) {
    return { text: bytes.toString('utf8'), encoding: undefined };
  }
  return { text: bytes.toString('base64'), encoding: 'base64' };
}
