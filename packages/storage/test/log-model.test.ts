import type { Entry, LogIndex } from '@d-engine/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scaled } from '../../../tools/test-scale.ts';
import { CrashDisk } from './crash-disk.ts';
import { batchOf, describeEntries, makeEntries, newLog, openLog, readRange } from './fixtures.ts';

/** What one step of a run does. Positions are parts of what is possible at that moment. */
type Step =
  | { readonly type: 'append'; readonly sizes: readonly number[] }
  | { readonly type: 'replace'; readonly at: number; readonly sizes: readonly number[] }
  | { readonly type: 'commit'; readonly at: number }
  | { readonly type: 'read'; readonly from: number; readonly to: number; readonly bytesMax: number }
  | { readonly type: 'purge'; readonly at: number }
  | { readonly type: 'reset'; readonly ahead: number }
  | { readonly type: 'idle' }
  | { readonly type: 'reopen'; readonly cleanly: boolean; readonly covered: number };

const part = fc.double({ min: 0, max: 1, noNaN: true });
const sizes = fc.array(fc.integer({ min: 0, max: 1500 }), { minLength: 1, maxLength: 8 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant('append' as const), sizes }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('replace' as const),
      at: part,
      sizes: fc.oneof(sizes, fc.constant([])),
    }),
  },
  fc.record({ type: fc.constant('commit' as const), at: part }),
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('read' as const),
      from: part,
      to: part,
      bytesMax: fc.integer({ min: 0, max: 5000 }),
    }),
  },
  fc.record({ type: fc.constant('idle' as const) }),
  { weight: 2, arbitrary: fc.record({ type: fc.constant('purge' as const), at: part }) },
  fc.record({ type: fc.constant('reset' as const), ahead: fc.integer({ min: 0, max: 9 }) }),
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('reopen' as const),
      cleanly: fc.boolean(),
      covered: part,
    }),
  },
);

/** A log that is an array beside the real one. */
class ModelRun {
  #disk = new CrashDisk();
  #opened = newLog(this.#disk);
  /** By index; those that were purged stay here. */
  #entries: Entry[] = [];
  /** The last one that may have been purged. */
  #purgedIndex: LogIndex = 0;
  /** What the first entry of the log itself follows, after a reset. */
  #startIndex: LogIndex = 0;
  #commitIndex: LogIndex = 0;
  #term = 1;

  async take(next: Step): Promise<void> {
    const { log } = await this.#opened;
    switch (next.type) {
      case 'append':
        return this.#append(next.sizes, undefined);
      case 'replace':
        this.#term += 1;
        return this.#append(next.sizes, this.#between(this.#commitIndex + 1, next.at));
      case 'commit':
        this.#commitIndex = Math.max(this.#commitIndex, this.#between(this.#startIndex, next.at));
        return log.append(batchOf([], { commitIndex: this.#commitIndex }));
      case 'read':
        return this.#read(next);
      case 'purge':
        return this.#purge(next.at);
      case 'reset':
        return this.#reset(next.ahead);
      case 'idle':
        return log.idle();
      case 'reopen':
        return this.#reopen(next);
    }
  }

  get #lastIndex(): LogIndex {
    return this.#startIndex + this.#entries.length;
  }

  /** Up to the last index, one further for a range that may be empty. */
  #between(from: LogIndex, at: number): LogIndex {
    return Math.min(from + Math.round(at * (this.#lastIndex + 1 - from)), this.#lastIndex);
  }

  #slice(from: LogIndex, to: LogIndex): Entry[] {
    return this.#entries.slice(from - 1 - this.#startIndex, to - this.#startIndex);
  }

  async #append(entrySizes: readonly number[], at: LogIndex | undefined): Promise<void> {
    const { log } = await this.#opened;
    const truncateFrom = at === undefined || at <= this.#commitIndex ? undefined : at;
    if (truncateFrom !== undefined) this.#entries.length = truncateFrom - 1 - this.#startIndex;
    const entries = makeEntries(this.#lastIndex + 1, this.#term, entrySizes);
    this.#entries.push(...entries);
    const commitIndex = this.#commitIndex;
    await log.append({ reset: undefined, truncateFrom, entries, commitIndex });
  }

  async #read(range: { from: number; to: number; bytesMax: number }): Promise<void> {
    const first = Math.max(this.#purgedIndex, this.#startIndex) + 1;
    if (first > this.#lastIndex) return;
    const { log } = await this.#opened;
    const from = this.#between(first, range.from);
    const to = this.#between(from, range.to);
    const expected = this.#slice(from, to);
    const entries = await log.read(from, to, range.bytesMax);
    expect(entries.length).toBeGreaterThan(0);
    expect(describeEntries(entries)).toEqual(describeEntries(expected.slice(0, entries.length)));
    const bytes = entries.reduce((sum, { encoded }) => sum + encoded.length, 0);
    if (entries.length > 1) expect(bytes).toBeLessThanOrEqual(range.bytesMax);
    const following = expected[entries.length];
    if (following === undefined) return;
    expect(bytes + following.encoded.length).toBeGreaterThan(range.bytesMax);
  }

  async #purge(at: number): Promise<void> {
    const { log } = await this.#opened;
    const upTo = Math.round(at * this.#commitIndex);
    const entry = this.#entries[upTo - 1 - this.#startIndex];
    if (entry === undefined) return;
    await log.purge(upTo, entry.term);
    this.#purgedIndex = Math.max(this.#purgedIndex, upTo);
  }

  async #reset(ahead: number): Promise<void> {
    const { log } = await this.#opened;
    const index = this.#commitIndex + ahead;
    this.#term += 1;
    await log.append(batchOf([], { reset: { index, term: this.#term }, commitIndex: index }));
    this.#entries = [];
    this.#startIndex = index;
    this.#commitIndex = index;
  }

  async #reopen({ cleanly, covered }: { cleanly: boolean; covered: number }): Promise<void> {
    if (cleanly) {
      await (await this.#opened).log.close();
      expect(this.#disk.openFiles).toBe(0);
    }
    this.#disk = this.#disk.restart({ type: cleanly ? 'process' : 'lost' });
    this.#opened = openLog(this.#disk, { coveredIndex: Math.round(covered * this.#commitIndex) });
    const { log, recovered } = await this.#opened;
    const { firstIndex } = recovered;
    expect(firstIndex).toBeGreaterThan(this.#startIndex);
    expect(firstIndex).toBeLessThanOrEqual(Math.max(this.#purgedIndex, this.#startIndex) + 1);
    const entries = this.#slice(firstIndex, this.#lastIndex);
    const last = entries.at(-1);
    expect(recovered.lastIndex).toBe(this.#lastIndex);
    expect(recovered.lastClusterTimeMs).toBe(last?.clusterTimeMs ?? 0);
    expect(recovered.commitIndex).toBe(this.#commitIndex);
    expect(recovered.termStarts).toEqual(
      entries
        .filter(({ term }, position) => entries[position - 1]?.term !== term)
        .map(({ index, term }) => ({ index, term })),
    );
    const read = await readRange(log, firstIndex, this.#lastIndex);
    expect(describeEntries(read)).toEqual(describeEntries(entries));
  }
}

describe('the log beside an array', () => {
  it('holds the same, whatever is appended, replaced, read and reopened', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const run = new ModelRun();
        for (const next of steps) await run.take(next);
        await run.take({ type: 'reopen', cleanly: true, covered: 1 });
      }),
      { numRuns: scaled({ gate: 100, long: 20_000 }) },
    );
  });
});
