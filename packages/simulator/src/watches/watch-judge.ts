import type { ResumeToken, WatchBatch, WatchEvent } from '@d-engine/base';
import type { TrueEvent, WatchTruth } from './watch-truth.ts';
import { textOf } from './watch-truth.ts';

/**
 * Holds what one watcher hears, over all of its watches, to what happened: every event that it
 * selects, each once, in order, all of one revision together, and no gap but one that it was told.
 */
export class WatchJudge {
  readonly #truth: WatchTruth;
  readonly #selects: (key: string) => boolean;
  readonly #violated: (text: string) => void;
  /** Everything up to there was heard, or was told to be lost; undefined before the first word. */
  #token: ResumeToken | undefined;

  constructor(
    truth: WatchTruth,
    selects: (key: string) => boolean,
    violated: (text: string) => void,
  ) {
    this.#truth = truth;
    this.#selects = selects;
    this.#violated = violated;
  }

  /** Where another watch goes on. */
  get token(): ResumeToken | undefined {
    return this.#token;
  }

  /** Whether nothing is left to be heard. */
  get hasCaughtUp(): boolean {
    const { revision } = this.#token ?? {};
    if (revision === undefined) return false;
    return this.#truth.firstBetween(revision, this.#truth.last, this.#selects) === undefined;
  }

  hear(batch: WatchBatch): void {
    const { revision } = batch.token;
    const before = this.#token?.revision;
    this.#token = batch.token;
    if (revision > this.#truth.last) return this.#violated(`${revision} is told before it is true`);
    switch (batch.type) {
      case 'ready':
        if (before !== undefined && before !== revision) {
          this.#violated(`a watch resumed at ${before} begins at ${revision}`);
        }
        return;
      case 'resync':
        if (before !== undefined && revision < before) {
          this.#violated(`a watch at ${before} is to read the state anew at ${revision}`);
        }
        return;
      case 'progress':
        return this.#checkGap(before, revision, revision);
      case 'events':
        this.#checkGap(before, revision, revision - 1);
        return this.#checkEvents(before, revision, batch.events);
    }
  }

  #checkGap(before: number | undefined, revision: number, to: number): void {
    if (before === undefined) return this.#violated(`${revision} is told before ready`);
    const missed = this.#truth.firstBetween(before, to, this.#selects);
    if (missed === undefined) return;
    this.#violated(`after ${before} comes ${revision}, and ${missed} was never told`);
  }

  #checkEvents(before: number | undefined, revision: number, events: readonly WatchEvent[]): void {
    if (before !== undefined && revision <= before) {
      return this.#violated(`events of ${revision} come after those of ${before}`);
    }
    const told = events.map(describe).sort();
    const expected = this.#truth.at(revision, this.#selects).map(describeTrue).sort();
    if (told.join('\n') === expected.join('\n')) return;
    this.#violated(`${revision} was ${expected.join(', ')}, and is told as ${told.join(', ')}`);
  }
}

function describe({ type, key, value }: WatchEvent): string {
  const text = value === null ? '' : textOf(value);
  return describeTrue({ type, key: textOf(key), value: text });
}

function describeTrue({ type, key, value }: TrueEvent): string {
  return `${type} ${key} ${value}`;
}
