import type { NodeId } from '@d-engine/base';
import { diskFaults, mendDisk } from './faults/disk-faults.ts';
import type { Faults, FaultTools } from './faults/fault-tools.ts';
import { networkFaults } from './faults/network-faults.ts';
import { processFaults } from './faults/process-faults.ts';
import type { FaultKind } from './scenario.ts';

const faults: Faults<FaultKind> = { ...processFaults, ...networkFaults, ...diskFaults };

/** Quiet at the beginning of a run lasts no longer, formed or not. */
const quietMsMax = 10_000;
const lookMs = 100;

/** Breaks things at random, and mends each of them after a while, until it is told to rest. */
export class Nemesis {
  readonly #tools: FaultTools;
  readonly #say: (text: string) => void;
  #resting = false;

  constructor(tools: Omit<FaultTools, 'later'>, say: (text: string) => void) {
    this.#say = say;
    this.#tools = { ...tools, later: (action) => this.#later(action) };
  }

  start(): void {
    if (this.#tools.scenario.faults.length === 0) return;
    if (this.#tools.scenario.quietFormation) this.#awaitFormation(quietMsMax);
    else this.#next();
  }

  /**
   * Ends all faults but this one: members of `keptOut` stay away, half of them down, the others cut
   * off. Called again, it lets them back in.
   */
  rest(keptOut: readonly NodeId[]): void {
    this.#resting = true;
    const { world, cluster, supervisor, random } = this.#tools;
    world.heal();
    world.unclog();
    for (const id of cluster.ids) {
      cluster.host(id).resume();
      mendDisk(this.#tools, id);
    }
    supervisor.calm(keptOut);
    for (const id of keptOut) {
      if (random.chance(0.5)) supervisor.crash(id, random.chance(0.5));
      for (const other of cluster.ids) {
        if (!keptOut.includes(other)) world.cut(cluster.host(id), cluster.host(other), 'both');
      }
    }
  }

  #awaitFormation(leftMs: number): void {
    const { world, cluster } = this.#tools;
    if (leftMs <= 0 || cluster.ids.every((id) => cluster.isBound(id))) return this.#next();
    world.after(lookMs, () => this.#awaitFormation(leftMs - lookMs));
  }

  #next(): void {
    const { world, random, scenario, counters, cluster } = this.#tools;
    world.after(random.float() * scenario.faultIntervalMsMax, () => {
      if (this.#resting) return;
      const kind = random.pick(scenario.faults);
      const victim = random.pick(cluster.ids);
      if (faults[kind](this.#tools, victim, cluster.host(victim))) {
        counters.add(`fault: ${kind}`);
        this.#say(`fault ${kind}, victim n${victim}`);
      }
      this.#next();
    });
  }

  #later(action: () => void): void {
    const { world, random, scenario } = this.#tools;
    world.after(random.float() * mendMsMax(scenario.electionTimeoutMinMs), () => {
      if (!this.#resting) action();
    });
  }
}

/** How long a fault lasts at most. */
export function mendMsMax(electionTimeoutMinMs: number): number {
  return electionTimeoutMinMs * 8;
}
