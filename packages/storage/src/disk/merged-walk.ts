import { compareBytes } from '../state/slot-tree.ts';
import { userKey } from './disk-keys.ts';
import type { StoreEntry } from './ordered-store.ts';
import type { PendingChange } from './overlay.ts';

/** With `stored` as it stands on disk, or will; a Buffer where it is still pending. */
export type MergedEntry =
  | { readonly key: Uint8Array; readonly stored: Buffer; readonly isPending: true }
  | { readonly key: Uint8Array; readonly stored: Uint8Array; readonly isPending: false };

/**
 * What a reader sees who looks at pending changes first and at the disk behind them; both are in
 * the order of `direction`: 1 rising, -1 falling.
 */
export function* mergedWalk(
  pending: Iterable<PendingChange>,
  disk: Iterable<StoreEntry>,
  direction: 1 | -1,
): Generator<MergedEntry> {
  const changes = pending[Symbol.iterator]();
  let next = changes.next();
  for (const entry of disk) {
    const key = userKey(entry.key);
    let order = -1;
    while (next.done !== true) {
      order = compareBytes(next.value.key, key) * direction;
      if (order > 0) break;
      yield* pendingEntry(next.value);
      next = changes.next();
      if (order === 0) break;
    }
    if (order !== 0) yield { key, stored: entry.value, isPending: false };
  }
  for (; next.done !== true; next = changes.next()) yield* pendingEntry(next.value);
}

function* pendingEntry({ key, stored }: PendingChange): Generator<MergedEntry> {
  if (stored !== null) yield { key, stored, isPending: true };
}
