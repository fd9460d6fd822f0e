import type { ResumeToken } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import type { StateEvent } from '@d-engine/storage';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byPrefix, keySelection, put, text, WatchKit } from '../testing/watch-kit.ts';
import type { WatchSelection } from './watch-selection.ts';
import { isSelected } from './watch-selection.ts';
import type { Watcher } from './watcher.ts';

// Writes, watchers, resumes, snapshots and new histories in any order, held to a list of all that
// happened: each watcher hears what it selects, in order, once, revisions whole, or is told.

type Step =
  | { readonly type: 'turn'; readonly revisions: readonly (readonly string[])[] }
  | { readonly type: 'open'; readonly selection: WatchSelection }
  | { readonly type: 'take'; readonly watcher: number; readonly notices: number }
  | { readonly type: 'resume'; readonly watcher: number }
  | { readonly type: 'load'; readonly ahead: number }
  | { readonly type: 'newHistory' };

const keys = ['a', 'aa', 'ab', 'b'] as const;
const key = fc.constantFrom(...keys);
const watcher = fc.nat(5);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('turn' as const),
      revisions: fc.array(fc.uniqueArray(key, { maxLength: 3 }), { maxLength: 6 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('open' as const),
      selection: fc.oneof(
        key.map(keySelection),
        fc.constantFrom('', 'a').map(byPrefix),
        fc.constant({ type: 'range', start: Buffer.from('aa'), end: Buffer.from('b') } as const),
      ),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant('take' as const), watcher, notices: fc.nat(8) }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('resume' as const), watcher }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('load' as const), ahead: fc.nat(6) }),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'newHistory' as const }) },
);

class Observed {
  readonly selection: WatchSelection;
  watcher: Watcher;
  /** Everything up to there was heard, or was told to be lost. */
  token: ResumeToken | undefined;

  constructor(selection: WatchSelection, opened: Watcher) {
    this.selection = selection;
    this.watcher = opened;
  }
}

class Model {
  readonly kit: WatchKit;
  /** Of the history that goes on. */
  readonly events: StateEvent[] = [];
  readonly observed: Observed[] = [];
  heard = 0;

  constructor(limits: { ringEventsMax: number; watcherEventsMax: number }) {
    this.kit = new WatchKit(limits);
  }

  play(next: Step): void {
    if (next.type === 'turn') this.turn(next.revisions);
    else if (next.type === 'open') {
      const opened = this.kit.open(next.selection);
      this.observed.push(new Observed(next.selection, opened));
    } else if (next.type === 'load') this.load(next.ahead);
    else if (next.type === 'newHistory') this.newHistory();
    else {
      const one = this.observed[next.watcher];
      if (one === undefined) return;
      if (next.type === 'take') this.take(one, next.notices);
      else this.resume(one);
    }
  }

  turn(revisions: readonly (readonly string[])[]): void {
    const first = this.kit.revision + 1;
    const events = revisions.flatMap((list, at) => list.map((name) => put(first + at, name)));
    this.events.push(...events);
    this.kit.apply(events, this.kit.revision + revisions.length);
  }

  /** What led to the snapshot happened elsewhere. */
  load(ahead: number): void {
    for (let more = 1; more <= ahead; more++) this.events.push(put(this.kit.revision + more, 'a'));
    this.kit.load(this.kit.revision + ahead);
  }

  newHistory(): void {
    this.kit.historyId += 'h';
    this.kit.apply([], this.kit.revision + 1_000);
  }

  resume(one: Observed): void {
    one.watcher.close();
    const opened = this.kit.tryOpen(one.selection, one.token ?? one.watcher.request.after);
    if (!(opened instanceof DEngineError)) one.watcher = opened;
    else this.resync(one, opened);
  }

  resync(one: Observed, error: DEngineError): void {
    if (error.name === 'WatchBufferOverflow') return this.resume(one);
    expect(error.name).toBe('WatchCompacted');
    one.token = error.resumeAt;
    this.resume(one);
  }

  take(one: Observed, notices: number): void {
    for (let count = 0; count < notices; count++) {
      const notice = one.watcher.next();
      if (notice === undefined) return;
      if (notice.type === 'canceled') return this.resync(one, notice.error);
      const { token } = notice;
      const before = one.token;
      one.token = token;
      if (notice.type === 'ready') {
        expect(before === undefined || before.revision === token.revision).toBe(true);
        continue;
      }
      this.heard += 1;
      const from = before?.revision ?? -1;
      const expected = this.events.filter(
        (event) =>
          event.revision > from &&
          event.revision <= token.revision &&
          isSelected(one.selection, event.key),
      );
      const heard = notice.type === 'events' ? notice.events : [];
      expect(heard.map((event) => text(event.key))).toEqual(
        expected.map((event) => text(event.key)),
      );
      expect(expected.every((event) => event.revision === token.revision)).toBe(true);
    }
  }
}

test('whatever comes and goes, nobody misses an event without being told', () => {
  let heard = 0;
  const limits = fc.record({
    ringEventsMax: fc.constantFrom(1, 3, 8, 100),
    watcherEventsMax: fc.constantFrom(1, 3, 100),
  });
  fc.assert(
    fc.property(
      limits,
      fc.array(step, { minLength: 10, maxLength: 80, size: 'max' }),
      (drawn, steps) => {
        const model = new Model(drawn);
        for (const next of steps) model.play(next);
        // In the end everybody hears the rest.
        for (const one of model.observed) {
          for (let tries = 0; tries < 3; tries++) model.take(one, 1_000);
          const last = model.events.findLast((event) => isSelected(one.selection, event.key));
          const { token } = one;
          expect(token !== undefined && token.revision >= (last?.revision ?? 0)).toBe(true);
        }
        heard += model.heard;
      },
    ),
    { numRuns: 1_000 },
  );
  expect(heard).toBeGreaterThan(3_000);
});
