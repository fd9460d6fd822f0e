/**
 * The same, with bytes that are all of their buffer: a message copies whole buffers, and the one
 * behind a short view may be as large as Node's pool.
 */
export function ownBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    return value.byteLength === value.buffer.byteLength ? value : new Uint8Array(value);
  }
  if (Array.isArray(value)) return value.map(ownBytes);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof AbortSignal || value instanceof Map || value instanceof Set) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, ownBytes(part)]));
}
