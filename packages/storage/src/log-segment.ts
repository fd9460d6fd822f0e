import type { LogIndex } from '@d-engine/base';
import { assert, must } from '@d-engine/base';
import type { EntryId } from './entry-id.ts';

/** At most one anchor for so many bytes of log: about a thousand a segment of 64 MiB. */
const anchorSpacingBytes = 64 * 1024;

/** Where the record that holds (or removes) an index stands in its segment. */
export interface Anchor {
  readonly index: LogIndex;
  readonly offset: number;
}

/**
 * Finds the record of an index in one segment: a few anchors, and a short walk from record to
 * record. Invariant: anchors rise in index and in offset, and between an anchor and the next one
 * the records follow each other without a removal. So whatever index is looked up, the walk from
 * the last anchor at or below it meets only entries that still stand.
 */
export class LogSegment {
  readonly segmentId: number;
  readonly firstSequence: number;
  /**
   * The first entry that stands in this segment or after it. Invariant: when entries of this
   * segment stand, it is the first of them and the first anchor has it.
   */
  startIndex: LogIndex;
  /**
   * What the entries of this segment follow: the lowest place to which its records took the log
   * back. Later segments do not change it.
   */
  kept: EntryId;
  /** Whether its records began the log anew, behind `kept`. */
  resets = false;
  /** After its last record. */
  endOffset = 0;
  readonly #indexes: LogIndex[];
  readonly #offsets: number[];

  constructor(
    place: { readonly segmentId: number; readonly firstSequence: number; readonly kept: EntryId },
    anchors: readonly Anchor[] = [],
  ) {
    this.segmentId = place.segmentId;
    this.firstSequence = place.firstSequence;
    this.startIndex = place.kept.index + 1;
    this.kept = place.kept;
    this.#indexes = anchors.map(({ index }) => index);
    this.#offsets = anchors.map(({ offset }) => offset);
  }

  /** Takes note of a durable record; in order. `index` is its first index. */
  addAnchor(index: LogIndex, offset: number, removes: boolean): void {
    const lastOffset = this.#offsets.at(-1);
    if (!removes && lastOffset !== undefined && offset - lastOffset < anchorSpacingBytes) return;
    const lastIndex = this.#indexes.at(-1);
    assert(lastIndex === undefined || lastIndex <= index, 'anchors out of order');
    this.#indexes.push(index);
    this.#offsets.push(offset);
  }

  /** Entry `index` and all after it stand here no more. */
  removeFrom(index: LogIndex): void {
    this.startIndex = Math.min(this.startIndex, index);
    while ((this.#indexes.at(-1) ?? -1) >= index) {
      this.#indexes.pop();
      this.#offsets.pop();
    }
  }

  /** Nothing stands here any more, and the log goes on with `nextIndex`. */
  removeAll(nextIndex: LogIndex): void {
    this.startIndex = nextIndex;
    this.#indexes.length = 0;
    this.#offsets.length = 0;
  }

  /** The last anchor at or below `index`, and the index where the next one takes over, if any. */
  find(index: LogIndex): { readonly anchor: Anchor; readonly nextIndex: LogIndex | undefined } {
    let low = 0;
    let high = this.#indexes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (must(this.#indexes[middle], 'anchor') <= index) low = middle + 1;
      else high = middle;
    }
    return {
      anchor: must(this.#anchorAt(low - 1), `the anchor of index ${index}`),
      nextIndex: this.#indexes[low],
    };
  }

  anchors(): Anchor[] {
    return this.#indexes.map((index, position) => ({
      index,
      offset: must(this.#offsets[position], 'anchor'),
    }));
  }

  #anchorAt(position: number): Anchor | undefined {
    const index = this.#indexes[position];
    const offset = this.#offsets[position];
    return index === undefined || offset === undefined ? undefined : { index, offset };
  }
}
