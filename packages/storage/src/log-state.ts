import type { Entry, LogIndex } from '@d-engine/base';
import { assert, must } from '@d-engine/base';
import type { EntryId } from './entry-id.ts';
import { beforeAll } from './entry-id.ts';
import type { Anchor } from './log-segment.ts';
import { LogSegment } from './log-segment.ts';
import type { RecordEffect } from './record-effect.ts';
import type { LogPosition } from './record-header.ts';
import { isBefore } from './record-header.ts';
import type { SegmentSummary } from './segment-summary.ts';
import { TermStarts } from './term-starts.ts';

/** Where the walk to an entry starts. */
export interface Place extends Anchor {
  readonly segmentId: number;
  /** Another place takes over from this index on; undefined: none. */
  readonly nextIndex: LogIndex | undefined;
}

/**
 * What the durable records add up to, told one after another. It keeps places and the few entries
 * that say who is a member, never all entries.
 */
export class LogState {
  /** Those with records, rising, without a gap. */
  readonly #segments: LogSegment[] = [];
  readonly #termStarts = new TermStarts();
  /** Bootstrap and binding entries that stand, rising. */
  #membershipEntries: Entry[] = [];
  #follows: EntryId = beforeAll;
  #lastIndex: LogIndex = 0;
  #sequence = 0;
  #commitIndex: LogIndex = 0;
  #durable: LogPosition = { segmentId: 0, offset: 0 };
  #endsWithMarker = true;
  /** Invariant: the sum of all `endOffset`. Asked for with every batch that is applied. */
  #bytes = 0;

  /** The first segment on disk is not the first that there was. Before anything is added. */
  beginBehind(follows: EntryId, sequence: number): void {
    assert(this.#segments.length === 0, 'records stand before the beginning of the log');
    this.#restartBehind(follows);
    this.#sequence = sequence;
  }

  /** What the first entry follows: (0, 0), or an entry of a snapshot. */
  get follows(): EntryId {
    return this.#follows;
  }

  get lastIndex(): LogIndex {
    return this.#lastIndex;
  }

  get termStarts(): TermStarts {
    return this.#termStarts;
  }

  get membershipEntries(): readonly Entry[] {
    return this.#membershipEntries;
  }

  /** Of the last record. */
  get sequence(): number {
    return this.#sequence;
  }

  /** The largest recorded. Invariant: at most `lastIndex`. */
  get commitIndex(): LogIndex {
    return this.#commitIndex;
  }

  /** The largest durable position that a record claims. */
  get durable(): LogPosition {
    return this.#durable;
  }

  /** Whether all that came before the last record is durable by its word. */
  get endsWithMarker(): boolean {
    return this.#endsWithMarker;
  }

  get segments(): readonly LogSegment[] {
    return this.#segments;
  }

  /** Bytes that the records take on disk. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a durable record, of the last segment or of the one after it. */
  add(effect: RecordEffect): void {
    const { position, firstIndex, previousTerm, removes, lastIndex, durable } = effect;
    const segment = this.#segmentOf(position.segmentId, effect.sequence);
    const before: EntryId = { index: firstIndex - 1, term: previousTerm };
    if (removes === 'everything') this.#restartBehind(before);
    else if (removes === 'suffix') this.#truncateBehind(before);
    if (removes !== 'nothing') keepOnly(segment, before, removes === 'everything');
    for (const { index, term } of effect.termStarts) this.#termStarts.append(index, term);
    this.#membershipEntries.push(...effect.membershipEntries);
    this.#lastIndex = lastIndex;
    this.#sequence = effect.sequence;
    this.#commitIndex = Math.max(this.#commitIndex, effect.commitIndex);
    if (isBefore(this.#durable, durable)) this.#durable = durable;
    this.#endsWithMarker =
      lastIndex < firstIndex && removes === 'nothing' && !isBefore(durable, position);
    segment.addAnchor(firstIndex, position.offset, removes !== 'nothing');
    this.#bytes += effect.endOffset - segment.endOffset;
    segment.endOffset = effect.endOffset;
  }

  /** Adds all records of a segment at once. */
  addSummary(summary: SegmentSummary): void {
    const { segmentId, firstSequence, kept, resets } = summary;
    assert(firstSequence === this.#sequence + 1, 'a summary follows other records');
    if (resets) this.#restartBehind(kept);
    else this.#truncateBehind(kept);
    const segment = new LogSegment({ segmentId, firstSequence, kept }, summary.anchors);
    segment.resets = resets;
    segment.endOffset = summary.endOffset;
    this.#bytes += segment.endOffset;
    this.#segments.push(segment);
    for (const { index, term } of summary.termStarts) this.#termStarts.append(index, term);
    this.#membershipEntries.push(...summary.membershipEntries);
    this.#lastIndex = summary.lastIndex;
    this.#sequence = summary.lastSequence;
    this.#commitIndex = Math.max(this.#commitIndex, summary.commitIndex);
    if (isBefore(this.#durable, summary.durable)) this.#durable = summary.durable;
    this.#endsWithMarker = false;
  }

  /** All of what the records of the last segment did; before a record of the next one is added. */
  summarizeLast(): SegmentSummary {
    const segment = must(this.#segments.at(-1), 'a segment');
    const { segmentId, firstSequence, kept, resets, endOffset } = segment;
    return {
      segmentId,
      firstSequence,
      lastSequence: this.#sequence,
      endOffset,
      kept,
      resets,
      lastIndex: this.#lastIndex,
      commitIndex: this.#commitIndex,
      durable: this.#durable,
      termStarts: this.#termStarts.within(kept.index + 1, this.#lastIndex),
      membershipEntries: this.#membershipEntries.filter(({ index }) => index > kept.index),
      anchors: segment.anchors(),
    };
  }

  /** Where to look for an entry that stands. */
  find(index: LogIndex): Place {
    let position = this.#segments.length - 1;
    while ((this.#segments[position]?.startIndex ?? 0) > index) position -= 1;
    const segment = must(this.#segments[position], `the segment of index ${index}`);
    const { anchor, nextIndex } = segment.find(index);
    const next = nextIndex ?? this.#segments[position + 1]?.startIndex;
    return { ...anchor, segmentId: segment.segmentId, nextIndex: next };
  }

  /** How many of the first segments have nothing above `index`; the last segment stays always. */
  countUpTo(index: LogIndex): number {
    const next = this.#segments.findIndex(
      (_, position) => (this.#segments[position + 1]?.startIndex ?? index + 2) - 1 > index,
    );
    return Math.max(next, 0);
  }

  /** Forgets the first segment, whose file is about to go; its entries are in a snapshot. */
  removeFirst(): void {
    assert(this.#segments.length > 1, 'the log ends in the last segment');
    this.#bytes -= this.#segments.shift()?.endOffset ?? 0;
    const index = must(this.#segments[0], 'a segment').startIndex - 1;
    if (index <= this.#follows.index) return;
    this.#follows = { index, term: this.#termStarts.termAt(index) };
    this.#termStarts.forgetBefore(index);
    this.#membershipEntries = this.#membershipEntries.filter((entry) => entry.index > index);
  }

  #segmentOf(segmentId: number, sequence: number): LogSegment {
    const last = this.#segments.at(-1);
    if (last?.segmentId === segmentId) return last;
    assert(last === undefined || last.segmentId + 1 === segmentId, 'segments follow each other');
    const index = this.#lastIndex;
    const kept = { index, term: this.#termStarts.termAt(index) };
    const segment = new LogSegment({ segmentId, firstSequence: sequence, kept });
    this.#segments.push(segment);
    return segment;
  }

  /** What is behind `kept` is gone. Below the log's beginning: it begins there now. */
  #truncateBehind(kept: EntryId): void {
    const { index } = kept;
    if (index >= this.#lastIndex) return;
    if (index < this.#follows.index) {
      this.#follows = kept;
      this.#termStarts.restartBehind(kept.index, kept.term);
    } else {
      this.#termStarts.truncateFrom(index + 1);
    }
    this.#membershipEntries = this.#membershipEntries.filter((entry) => entry.index <= index);
    for (const segment of this.#segments) segment.removeFrom(index + 1);
    this.#lastIndex = index;
  }

  #restartBehind(follows: EntryId): void {
    this.#follows = follows;
    this.#termStarts.restartBehind(follows.index, follows.term);
    this.#membershipEntries = [];
    for (const segment of this.#segments) segment.removeAll(follows.index + 1);
    this.#lastIndex = follows.index;
  }
}

/** The entries of `segment` follow `kept` from now on, unless they did so far and were more. */
function keepOnly(segment: LogSegment, kept: EntryId, resets: boolean): void {
  if (resets) segment.resets = true;
  if (resets || kept.index < segment.kept.index) segment.kept = kept;
}
