import type { SeededRandom, VirtualWorld } from '@d-engine/virtual-env';
import { valueAfter } from './history/execute.ts';
import type { Command, Value } from './history/operation.ts';
import type { Recorder, Target } from './recorder.ts';
import type { Scenario } from './scenario.ts';
import { longValueName } from './values.ts';

/** Where a client's next operation goes; undefined: nowhere right now. */
export type TargetPicker = (random: SeededRandom) => Target | undefined;

/** Between two operations that are both late. */
const pauseMsMax = 20;
/** Of the values, where the limit is no longer than the longest of them. */
const tooLongShare = 0.05;

/** A writer that never repeats a value, and a reader, one operation at a time. */
export class VirtualClient {
  readonly name: string;
  readonly #world: VirtualWorld;
  readonly #scenario: Scenario;
  readonly #random: SeededRandom;
  /** Apart from the others, so that long values leave what else a client does alone. */
  readonly #lengths: SeededRandom;
  readonly #pick: TargetPicker;
  readonly #recorder: Recorder;
  /** What this client saw last of each key: the expected value of its next swap. */
  readonly #seen = new Map<string, Value>();
  /** When its next operation should begin: what an outage held up comes in a burst after it. */
  #dueAtMs = 0;
  #sequence = 0;
  #stopped = false;

  constructor(options: {
    world: VirtualWorld;
    scenario: Scenario;
    name: string;
    pick: TargetPicker;
    recorder: Recorder;
  }) {
    this.name = options.name;
    this.#world = options.world;
    this.#scenario = options.scenario;
    this.#random = options.world.random(`client ${options.name}`);
    this.#lengths = options.world.random(`lengths of ${options.name}`);
    this.#pick = options.pick;
    this.#recorder = options.recorder;
  }

  start(): void {
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#dueAtMs += this.#random.float() * this.#scenario.intervalMsMax;
    const leastMs = this.#random.float() * pauseMsMax;
    this.#world.after(Math.max(this.#dueAtMs - this.#world.nowMs, leastMs), () => {
      const target = this.#pick(this.#random);
      if (target === undefined || this.#stopped) return this.#schedule();
      this.#operate(target).then(
        () => this.#schedule(),
        (error: unknown) => {
          // A defect: the world tells of it as of any other.
          this.#world.after(0, () => {
            throw error;
          });
        },
      );
    });
  }

  async #operate(target: Target): Promise<void> {
    const key = `k${this.#random.integer(this.#scenario.keys)}`;
    const command = this.#drawCommand(key, target);
    const isEventual = command.type === 'read' && command.consistency === 'eventual';
    // What a process has applied only grows: its eventual reads are one history.
    const client = isEventual ? target.name : this.name;
    const answer = await this.#recorder.perform(client, target, key, command);
    if (answer === undefined || isEventual) return;
    const value = valueAfter(command, answer);
    if (value !== undefined) this.#seen.set(key, value);
  }

  #drawCommand(key: string, target: Target): Command {
    const random = this.#random;
    const { mix } = this.#scenario;
    if (random.chance(mix.reads)) return this.#drawRead(target);
    if (random.chance(mix.deletes)) return { type: 'delete' };
    this.#sequence += 1;
    const value = this.#drawLength(`${this.name}-${this.#sequence}`);
    if (!random.chance(mix.swaps)) return { type: 'put', value };
    // Most swaps have a chance to succeed; some expect that nobody wrote the key yet.
    const expected = random.chance(0.15) ? null : (this.#seen.get(key) ?? null);
    return { type: 'compareAndSwap', expected, value: random.chance(0.15) ? null : value };
  }

  /** The name of a value of some length, now and then of one that is too long. */
  #drawLength(name: string): string {
    const { valueBytes, limits } = this.#scenario;
    if (valueBytes.length === 0) return name;
    const isTight = valueBytes.includes(limits.valueBytesMax);
    if (isTight && this.#lengths.chance(tooLongShare)) {
      return longValueName(name, limits.valueBytesMax + 1);
    }
    const bytes = this.#lengths.pick(valueBytes);
    return bytes === 0 ? name : longValueName(name, bytes);
  }

  #drawRead(target: Target): Command {
    const { leaseReads, eventualReads } = this.#scenario.mix;
    const draw = this.#random.float();
    if (draw < leaseReads) return { type: 'read', consistency: 'lease' };
    // Over the network nobody knows which member answered, and what it had answered before.
    const isEventual = draw < leaseReads + eventualReads && target.node !== undefined;
    return { type: 'read', consistency: isEventual ? 'eventual' : 'linearizable' };
  }
}
