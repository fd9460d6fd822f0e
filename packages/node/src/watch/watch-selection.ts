import type { WatchTarget } from '@d-engine/base';
import { toBytes } from '../bytes.ts';

/** The keys that a watcher is after: one, or all from `start` up to `end` (null: to the last). */
export type WatchSelection =
  | { readonly type: 'key'; readonly key: Uint8Array }
  | { readonly type: 'range'; readonly start: Uint8Array; readonly end: Uint8Array | null };

export function selectionOf(target: WatchTarget): WatchSelection {
  if ('key' in target) return { type: 'key', key: ownCopy(toBytes(target.key)) };
  if ('prefix' in target) return prefixSelection(toBytes(target.prefix));
  const end = target.end === null ? null : ownCopy(toBytes(target.end));
  return { type: 'range', start: ownCopy(toBytes(target.start)), end };
}

export function prefixSelection(prefix: Uint8Array): WatchSelection {
  return { type: 'range', start: ownCopy(prefix), end: prefixEnd(prefix) };
}

/** The first key after all that begin with these bytes; null when there is none. */
export function prefixEnd(prefix: Uint8Array): Uint8Array | null {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length -= 1;
  if (length === 0) return null;
  const end = Buffer.from(prefix.subarray(0, length));
  end[length - 1] = (end[length - 1] as number) + 1;
  return end;
}

export function isSelected(selection: WatchSelection, key: Uint8Array): boolean {
  if (selection.type === 'key') {
    return key.length === selection.key.length && Buffer.compare(key, selection.key) === 0;
  }
  const { start, end } = selection;
  if (Buffer.compare(key, start) < 0) return false;
  return end === null || Buffer.compare(key, end) < 0;
}

/** A watcher lives long: it must not pin the request that it came with. */
function ownCopy(bytes: Uint8Array): Uint8Array {
  return Buffer.from(bytes);
}
