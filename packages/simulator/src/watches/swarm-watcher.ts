import type { ClientApi, Watch, WatchBatch, WatchTarget } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import type { SeededRandom, VirtualHost, VirtualWorld } from '@d-engine/virtual-env';
import type { Counters } from '../counters.ts';
import { WatchJudge } from './watch-judge.ts';
import type { WatchTruth } from './watch-truth.ts';

/** Where a watch runs: in a process of a member, or over the network. */
export interface WatchPlace {
  readonly client: ClientApi;
  /** The process that hears: when it dies, its watch is never heard of again. */
  readonly host: VirtualHost;
}

export interface SwarmWatcherOptions {
  readonly world: VirtualWorld;
  readonly truth: WatchTruth;
  readonly counters: Counters;
  readonly name: string;
  readonly keys: number;
  /** Undefined: nowhere right now. */
  readonly pick: (random: SeededRandom) => WatchPlace | undefined;
  readonly violated: (text: string) => void;
  readonly say: ((text: string) => void) | undefined;
}

/** How soon a watcher notices that its process died, or finds another place. */
const lookMs = 200;
const stayMsMax = 12_000;
/** Of a reader that dawdles, between two batches. */
const dawdleMsMax = 1_500;
const progressIntervalMs = 500;

/** Watches some keys for the whole run: at one place, then at another, from its last token on. */
export class SwarmWatcher {
  readonly judge: WatchJudge;
  readonly #options: SwarmWatcherOptions;
  readonly #random: SeededRandom;
  readonly #target: WatchTarget;
  readonly #isSlow: boolean;
  #isHurried = false;
  /** Counts the watches: what an earlier one still brings is not heard. */
  #visit = 0;

  constructor(options: SwarmWatcherOptions) {
    this.#options = options;
    this.#random = options.world.random(`watcher ${options.name}`);
    const { target, selects } = drawTarget(this.#random, options.keys);
    this.#target = target;
    this.#isSlow = this.#random.chance(0.3);
    const violated = (text: string): void => options.violated(`${options.name}: ${text}`);
    this.judge = new WatchJudge(options.truth, selects, violated);
  }

  start(): void {
    const place = this.#options.pick(this.#random);
    if (place === undefined) {
      this.#options.world.after(lookMs, () => this.start());
      return;
    }
    this.#visit += 1;
    const after = this.judge.token;
    if (after !== undefined) this.#options.counters.add('watches resumed elsewhere');
    const watch = place.client.watch(this.#target, { after, progressIntervalMs });
    this.#options.say?.(
      `${this.#options.name} watches at ${place.host.name} after ${after?.revision}`,
    );
    this.#read(watch, place, this.#visit);
    this.#stay(watch, place, this.#visit, this.#random.float() * stayMsMax);
  }

  /** From now on it reads as fast as it can. */
  hurry(): void {
    this.#isHurried = true;
  }

  /** Until it moves, or its process dies. */
  #stay(watch: Watch, place: WatchPlace, visit: number, leftMs: number): void {
    const { life } = place.host;
    this.#options.world.after(lookMs, () => {
      if (visit !== this.#visit) return;
      const isDead = place.host.life !== life;
      if (!isDead && leftMs > 0) return this.#stay(watch, place, visit, leftMs - lookMs);
      if (isDead) this.#options.counters.add('watches of a process that died');
      else watch.return?.().catch(() => undefined);
      this.start();
    });
  }

  #read(watch: Watch, place: WatchPlace, visit: number): void {
    const { life } = place.host;
    const goOn = (): void => {
      // A process that died says nothing more.
      if (visit === this.#visit && place.host.life === life) this.#read(watch, place, visit);
    };
    watch.next().then(
      ({ value }) => {
        if (visit !== this.#visit || value === undefined) return;
        this.#hear(value);
        const pauseMs = this.#isSlow && !this.#isHurried ? this.#random.float() * dawdleMsMax : 0;
        if (pauseMs === 0) goOn();
        else this.#options.world.after(pauseMs, goOn);
      },
      (error: unknown) => this.#onFailure(error, visit),
    );
  }

  #hear(batch: WatchBatch): void {
    const { counters, say, name } = this.#options;
    if (batch.type === 'events') counters.add('watch events heard', batch.events.length);
    if (batch.type === 'resync') counters.add('watches told to read anew');
    say?.(`${name} hears ${batch.type} ${batch.token.revision}`);
    this.judge.hear(batch);
  }

  /** The member is stopping, for one: another one goes on. */
  #onFailure(error: unknown, visit: number): void {
    if (!(error instanceof DEngineError)) {
      this.#options.violated(`${this.#options.name} failed: ${String(error)}`);
      return;
    }
    if (visit !== this.#visit) return;
    this.#options.say?.(`${this.#options.name} ends: ${error.name}`);
    this.#visit += 1;
    this.#options.world.after(lookMs, () => this.start());
  }
}

function drawTarget(
  random: SeededRandom,
  keys: number,
): { target: WatchTarget; selects: (key: string) => boolean } {
  const draw = random.float();
  if (draw < 0.4) return { target: { prefix: 'k' }, selects: () => true };
  const key = `k${random.integer(keys)}`;
  if (draw < 0.7) return { target: { key }, selects: (each) => each === key };
  // Keys of one digit: in the order of their numbers.
  const target = { start: key, end: random.chance(0.5) || key >= 'k8' ? null : 'k8' };
  return { target, selects: (each) => each >= key && (target.end === null || each < target.end) };
}
