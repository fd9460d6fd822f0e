import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, Command } from '@d-engine/simulator';
import { valueAfter } from '@d-engine/simulator';
import { Dice } from './dice.ts';
import type { Recorder } from './recorder.ts';
import type { Road } from './roads.ts';

const keysAtOnce = 3;

/** Where an operation goes, and the name of the process that eventual reads are a history of. */
export interface Destination {
  readonly road: Road;
  /** Undefined: the road leads to no one process. */
  readonly process: (() => string) | undefined;
}

/** One caller after another's heart: never two operations at a time, never a value twice. */
export class ChaosClient {
  readonly #name: string;
  readonly #dice: Dice;
  readonly #epochMs: number;
  readonly #recorder: Recorder;
  readonly #destinations: readonly Destination[];
  /** What it saw last of each key of this epoch. */
  readonly #seen = new Map<string, string | null>();
  #sequence = 0;
  #betweenProcesses = 0;
  #running = true;
  readonly #done: Promise<void>;

  constructor(options: {
    readonly name: string;
    readonly seed: number;
    readonly epochMs: number;
    readonly recorder: Recorder;
    readonly destinations: readonly Destination[];
  }) {
    this.#name = options.name;
    this.#dice = new Dice(options.seed);
    this.#epochMs = options.epochMs;
    this.#recorder = options.recorder;
    this.#destinations = options.destinations;
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#done;
  }

  async #run(): Promise<void> {
    const startedAtMs = performance.now();
    while (this.#running) {
      const epoch = Math.floor((performance.now() - startedAtMs) / this.#epochMs);
      const isAnswered = await this.#step(`epoch-${epoch}/${this.#dice.below(keysAtOnce)}`);
      // A link that is cut refuses at once: who asked again at once would do nothing else.
      await delay(isAnswered ? this.#dice.between(2, 40) : this.#dice.between(50, 250));
    }
  }

  async #step(key: string): Promise<boolean> {
    const { road, process } = this.#dice.pick(this.#destinations);
    const command = this.#draw(key, process !== undefined);
    const isEventual = command.type === 'read' && command.consistency === 'eventual';
    const client = isEventual && process !== undefined ? this.#oneProcess(process) : this.#name;
    const execute = async (): Promise<Answer> => road(key, command);
    const answer = await this.#recorder.perform(client, key, command, execute);
    if (answer === undefined) return false;
    const seen = isEventual ? undefined : valueAfter(command, answer);
    if (seen !== undefined) this.#seen.set(key, seen);
    return true;
  }

  /**
   * Whose answer it is. A connection that is made over a link as it heals may take until the node
   * has started again: which of its two processes answered is then nobody's to say.
   */
  #oneProcess(process: () => string): () => string {
    const asked = process();
    return () => {
      if (process() === asked) return asked;
      this.#betweenProcesses += 1;
      return `${asked} or a later one, ${this.#name} ${this.#betweenProcesses}`;
    };
  }

  #draw(key: string, toOneProcess: boolean): Command {
    const draw = this.#dice.float();
    if (draw < 0.25) return { type: 'read', consistency: 'linearizable' };
    if (draw < 0.4) return { type: 'read', consistency: 'lease' };
    if (draw < 0.5 && toOneProcess) return { type: 'read', consistency: 'eventual' };
    if (draw < 0.55) return { type: 'delete' };
    this.#sequence += 1;
    const value = `${this.#name}-${this.#sequence}`;
    if (draw < 0.8) return { type: 'put', value };
    const expected = this.#seen.get(key) ?? null;
    return { type: 'compareAndSwap', expected, value: draw < 0.95 ? value : null };
  }
}
