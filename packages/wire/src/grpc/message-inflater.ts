import type { Compute, Failure } from '@d-engine/base';
import { RefusedMessage, tooLarge } from './message-reader.ts';

/** Unpacks one message off the loop, and calls one of the two. */
export function inflate(
  compute: Compute,
  bytes: Uint8Array,
  bytesMax: number,
  onMessage: (message: Uint8Array) => void,
  onRefused: (failure: Failure) => void,
): void {
  compute.gunzip(bytes, bytesMax).then(onMessage, (error: unknown) => {
    onRefused(refusalOf(error, bytesMax).failure);
  });
}

function refusalOf(error: unknown, bytesMax: number): RefusedMessage {
  // Both Node's zlib and our own check tell of too many bytes by it.
  if (error instanceof RangeError) return tooLarge('a message, unpacked,', bytesMax, error);
  const why = error instanceof Error ? error.message : String(error);
  const message = `a message is no gzip data: ${why}`;
  return new RefusedMessage({ status: 'internal', message }, { cause: error });
}
