import type { ClientApi } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import type { Node } from '@d-engine/node';
import type { VirtualWorld } from '@d-engine/virtual-env';
import type { AnswerWatch, Asked } from './answer-watch.ts';
import type { Counters } from './counters.ts';
import { execute } from './history/execute.ts';
import type { Answer, Command, Operation, Outcome } from './history/operation.ts';
import type { Limits } from './scenario.ts';
import { bytesOfValue, spansSectors } from './values.ts';

/** Fewer than this may wait in a narrow queue: clients stand in one another's way. */
export const roomyQueueMin = 20;

/** Longer than any deadline: by then the process that was asked has died, or it sleeps. */
export const patienceMs = 12_000;

/** Where an operation goes. */
export interface Target extends Asked {
  readonly client: ClientApi;
  /** The process of a member, `n2 start 3`, or the network. */
  readonly name: string;
  /** The member that it calls into; undefined over the network. */
  readonly node: Node | undefined;
}

/** Performs operations and writes down what came of them: the history that is checked. */
export class Recorder {
  readonly history: Operation[] = [];
  /** Of the history, those that a limit of the settings refused: too much, or too long. */
  readonly #refusedByLimit = new Set<Operation>();
  readonly #world: VirtualWorld;
  readonly #counters: Counters;
  readonly #watch: AnswerWatch;
  readonly #limits: Limits;
  readonly #isCutOff: (host: string) => boolean;
  readonly #say: ((text: string) => void) | undefined;

  constructor(options: {
    world: VirtualWorld;
    counters: Counters;
    watch: AnswerWatch;
    /** Of the members: what these allow, none of them may refuse. */
    limits: Limits;
    /** Whether a link of this host is cut that a client uses. */
    isCutOff: (host: string) => boolean;
    /** Undefined: nobody listens, and no line is made. */
    say: ((text: string) => void) | undefined;
  }) {
    this.#say = options.say;
    this.#world = options.world;
    this.#counters = options.counters;
    this.#watch = options.watch;
    this.#limits = options.limits;
    this.#isCutOff = options.isCutOff;
  }

  /** Undefined: the outcome is unknown, or there is none. */
  async perform(
    client: string,
    target: Target,
    key: string,
    command: Command,
  ): Promise<Answer | undefined> {
    const call = { client, key, command, invokedAtMs: this.#world.nowMs };
    // Recorded at once: if the member dies, no answer ever comes and the outcome stays unknown.
    const slot = this.history.push({ ...call, settledAtMs: Infinity, outcome: unknown }) - 1;
    this.#say?.(`${client} calls ${target.name}: ${key} ${JSON.stringify(command)}`);
    const execution = execute(target.client, key, command);
    this.#watchFor(`${command.type} of ${key} by ${client}`, target, execution);
    const { life, name } = target.host;
    const isCutOff = this.#isCutOff(name);
    const { outcome, isLimit } = await this.#settledAs(command, execution);
    if (outcome.type !== 'answered' && target.host.life !== life) {
      this.#counters.add('operations of a process that died');
    }
    if (isCutOff && this.#isCutOff(name)) this.#countPastCut(outcome);
    const settledAtMs = outcome.type === 'unknown' ? Infinity : this.#world.nowMs;
    const operation = { ...call, settledAtMs, outcome };
    this.history[slot] = operation;
    if (isLimit) this.#refusedByLimit.add(operation);
    this.#say?.(`${client} hears: ${key} ${JSON.stringify(outcome)}`);
    if (outcome.type === 'unknown') this.#counters.add('outcomes unknown');
    if (outcome.type !== 'answered') return undefined;
    this.#count(outcome.answer, command);
    return outcome.answer;
  }

  /** Until the process settles it, whether or not the caller still waits. */
  #watchFor(name: string, target: Target, execution: Promise<unknown>): void {
    const owed = this.#watch.begin(name, target);
    const settle = (): void => this.#watch.settle(owed);
    execution.then(settle, settle);
  }

  isRefusedByLimit(operation: Operation): boolean {
    return this.#refusedByLimit.has(operation);
  }

  async #settledAs(command: Command, execution: Promise<Answer>): Promise<Settled> {
    const { type } = command;
    try {
      const answer = await this.#bounded(execution);
      return { outcome: { type: 'answered', answer }, isLimit: false };
    } catch (error) {
      if (!(error instanceof Lost) && !(error instanceof DEngineError)) throw error;
      const isLimit = error instanceof DEngineError && this.#isOfLimit(error, command);
      // A read that failed says nothing.
      if (type === 'read') return { outcome: { type: 'refused' }, isLimit };
      const applied = error instanceof Lost || error.mayHaveBeenApplied;
      return { outcome: applied ? unknown : { type: 'refused' }, isLimit };
    }
  }

  /** A promise of a process that died never settles: the client gives up on it. */
  #bounded<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.#world.after(patienceMs, () => reject(new Lost()));
      const settle =
        <V>(action: (value: V) => void) =>
        (value: V): void => {
          cancel();
          action(value);
        };
      promise.then(settle(resolve), settle(reject));
    });
  }

  /** Whether the settings allow no more; counts it then. */
  #isOfLimit({ name }: DEngineError, command: Command): boolean {
    const { valueBytesMax, pendingReadsMax, pendingWritesMax } = this.#limits;
    if (name === 'RequestTooLarge') {
      const value = 'value' in command ? command.value : null;
      if (value === null || bytesOfValue(value) <= valueBytesMax) return false;
      this.#counters.add('values refused as too long');
      return true;
    }
    const isRead = command.type === 'read';
    const waitingMax = isRead ? pendingReadsMax : pendingWritesMax;
    if (name !== 'RateLimited' || waitingMax >= roomyQueueMin) return false;
    this.#counters.add(isRead ? 'reads refused by a full queue' : 'writes refused by a full queue');
    return true;
  }

  /** Some or all links of the client were cut when it asked, and still when it heard. */
  #countPastCut({ type }: Outcome): void {
    if (type === 'answered') this.#counters.add('answers past a cut link of the client');
    if (type === 'unknown') this.#counters.add('outcomes unknown behind a cut link');
  }

  #count(answer: Answer, command: Command): void {
    const value = 'value' in command ? command.value : null;
    if (value !== null && spansSectors(value)) this.#counters.add('values longer than a sector');
    if (answer.type === 'compareAndSwap' && !answer.succeeded) {
      this.#counters.add('swaps that failed');
    } else if (answer.type === 'delete' && answer.deleted === true) {
      this.#counters.add('deletes of a key that was there');
    } else if (command.type === 'read' && command.consistency === 'eventual') {
      this.#counters.add('eventual reads');
    }
  }
}

interface Settled {
  readonly outcome: Outcome;
  /** A limit of the settings refused it. */
  readonly isLimit: boolean;
}

const unknown: Outcome = { type: 'unknown' };

class Lost extends Error {}
