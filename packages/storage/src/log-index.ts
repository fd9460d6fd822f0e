import type { LogIndex } from '@d-engine/base';
import { assert, must } from '@d-engine/base';
import type { LogPosition } from './record-header.ts';

/** Where the record that holds (or removes) `index` stands. */
export interface Anchor extends LogPosition {
  readonly index: LogIndex;
}

/** At most one anchor for so many bytes of log: about a thousand a segment of 64 MiB. */
const anchorSpacingBytes = 64 * 1024;

/**
 * Finds the record of an index: a few anchors, and a short walk from record to record.
 * Invariant: anchors rise in index and in position, and between an anchor and the next one the
 * records follow each other without truncation, within one segment. So whatever index is looked
 * up, the walk from the last anchor at or below it meets only entries that still stand.
 */
export class LogAnchors {
  readonly #anchors: Anchor[] = [];

  /** Takes note of a durable record; in order. `index` is its first index. */
  add(index: LogIndex, position: LogPosition, truncates: boolean): void {
    if (truncates) this.#removeFrom(index);
    const last = this.#anchors.at(-1);
    if (
      last === undefined ||
      truncates ||
      last.segmentId !== position.segmentId ||
      position.offset - last.offset >= anchorSpacingBytes
    ) {
      assert(last === undefined || last.index <= index, 'anchors out of order');
      this.#anchors.push({ index, ...position });
    }
  }

  /** The last anchor at or below `index`, and the index where the next one takes over. */
  find(index: LogIndex): { readonly anchor: Anchor; readonly nextIndex: LogIndex | undefined } {
    let low = 0;
    let high = this.#anchors.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (must(this.#anchors[middle], 'anchor').index <= index) low = middle + 1;
      else high = middle;
    }
    const anchor = must(this.#anchors[low - 1], `the anchor of index ${index}`);
    return { anchor, nextIndex: this.#anchors[low]?.index };
  }

  #removeFrom(index: LogIndex): void {
    while ((this.#anchors.at(-1)?.index ?? -1) >= index) this.#anchors.pop();
  }
}
