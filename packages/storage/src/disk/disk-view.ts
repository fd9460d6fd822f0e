import { limits } from '@d-engine/base';
import type { BackendView, Run } from '../state/backend.ts';
import { diskKey, endOfKeys } from './disk-keys.ts';
import { mergedWalk } from './merged-walk.ts';
import type { OrderedStore, OrderedView } from './ordered-store.ts';
import type { PendingChange } from './overlay.ts';
import { damagedRecord, decodeRecord, storedHeadBytes } from './stored-record.ts';

/** What the disk held and what was pending at one moment. */
export class DiskView implements BackendView {
  readonly #view: OrderedView;
  readonly #directory: string;
  readonly #generation: number;
  readonly #pending: readonly PendingChange[];

  constructor(store: OrderedStore, generation: number, pending: Iterable<PendingChange>) {
    this.#view = store.view();
    this.#directory = store.directory;
    this.#generation = generation;
    // Changes are objects that stay as they are: their list is the state of the moment.
    this.#pending = [...pending];
  }

  *runs(): Generator<Run> {
    const range = {
      from: diskKey(this.#generation, new Uint8Array(0)),
      below: endOfKeys(this.#generation),
    };
    let parts: Uint8Array[] = [];
    let bytes = 0;
    const entries = mergedWalk(this.#pending, this.#view.walk(range), 1);
    for (const { stored, isPending } of entries) {
      if (!isPending) this.#check(stored);
      const record = stored.subarray(storedHeadBytes);
      if (bytes + record.length > limits.snapshotRunBytes && parts.length > 0) {
        yield { keyCount: parts.length, bytes: Buffer.concat(parts) };
        parts = [];
        bytes = 0;
      }
      parts.push(Buffer.from(record));
      bytes += record.length;
    }
    if (parts.length > 0) yield { keyCount: parts.length, bytes: Buffer.concat(parts) };
  }

  release(): void {
    this.#view.release();
  }

  #check(stored: Uint8Array): void {
    const record = decodeRecord(stored);
    if (typeof record === 'string') throw damagedRecord(this.#directory, record);
  }
}
