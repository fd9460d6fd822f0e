import type { NodeId } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { SeededRandom, TraceKind } from '@d-engine/virtual-env';
import { clientFaults } from './faults/client-faults.ts';
import { diskFaults } from './faults/disk-faults.ts';
import type { Faults, FaultTools } from './faults/fault-tools.ts';
import { networkFaults } from './faults/network-faults.ts';
import { processFaults } from './faults/process-faults.ts';
import type { FaultKind } from './scenario.ts';
import { earlyFaultKinds, lateFaultKinds } from './scenario.ts';

const faults: Faults<FaultKind> = {
  ...processFaults,
  ...networkFaults,
  ...diskFaults,
  ...clientFaults,
};

type NemesisTools = Omit<FaultTools, 'after' | 'later' | 'happened'>;

/** Quiet at the beginning of a run lasts no longer, formed or not. */
const quietMsMax = 10_000;
const lookMs = 100;

/** What faults do, and nothing else does: members stall and are killed without one too. */
const harmKinds = ['powerLoss', 'pause', 'wallJump', 'diskFault', 'cut', 'clog', 'reset'] as const;

/** Kinds of faults that come one after the other, by draws of their own. */
interface Lane {
  readonly kinds: readonly FaultKind[];
  readonly random: SeededRandom;
  /** Between two of them, at most. */
  readonly intervalMsMax: number;
}

/** Breaks things at random, and mends each of them after a while, until it is told to rest. */
export class Nemesis {
  readonly #tools: NemesisTools;
  readonly #say: (text: string) => void;
  readonly #lanes: readonly Lane[];
  #resting = false;
  /** At rest: how often each harm had been done when it began. */
  #harmsDone: readonly number[] = [];

  constructor(tools: NemesisTools, say: (text: string) => void) {
    this.#say = say;
    this.#tools = tools;
    const { faults, faultIntervalMsMax } = tools.scenario;
    const drawnOf = (kinds: readonly FaultKind[]): readonly FaultKind[] =>
      faults.filter((kind) => kinds.includes(kind));
    this.#lanes = [
      {
        kinds: drawnOf(earlyFaultKinds),
        random: tools.random,
        intervalMsMax: faultIntervalMsMax,
      },
      {
        kinds: drawnOf(lateFaultKinds),
        random: tools.world.random('nemesis of late kinds'),
        // Beside the others: as many again would leave the clients too little to do.
        intervalMsMax: 2 * faultIntervalMsMax,
      },
    ].filter(({ kinds }) => kinds.length > 0);
  }

  start(): void {
    if (this.#lanes.length === 0) return;
    if (this.#tools.scenario.quietFormation) this.#awaitFormation(quietMsMax);
    else this.#begin();
  }

  /**
   * Ends all faults but this one: members of `keptOut` stay away, half of them down, the others cut
   * off. Called again, it lets them back in. A machine that sleeps or stalls still wakes by itself.
   */
  rest(keptOut: readonly NodeId[]): void {
    const { world, cluster, supervisor, random, harms } = this.#tools;
    if (this.#resting) this.assertRested();
    else {
      harms.endAll();
      world.endMishaps();
      for (const id of cluster.ids) cluster.host(id).disk.clearFaults();
      for (const id of keptOut) if (random.chance(0.5)) supervisor.crash(id, random.chance(0.5));
    }
    this.#resting = true;
    supervisor.calm(keptOut);
    // All cuts that are left are those of the members that were kept out until now.
    world.heal();
    const others = cluster.ids.filter((id) => !keptOut.includes(id));
    world.partition([keptOut, others].map((ids) => ids.map((id) => cluster.host(id))));
    this.#harmsDone = this.#countHarms();
  }

  /** Nothing was done to anybody since {@link rest}. */
  assertRested(): void {
    const done = this.#countHarms();
    const after = harmKinds.filter((_, position) => done[position] !== this.#harmsDone[position]);
    assert(after.length === 0, () => `faults acted after their end: ${after.join(', ')}`);
  }

  #countHarms(): number[] {
    return harmKinds.map((kind: TraceKind) => this.#tools.world.countOf(kind));
  }

  #awaitFormation(leftMs: number): void {
    const { cluster } = this.#tools;
    const isFormed = cluster.ids.every((id) => cluster.memberships.isBound(id));
    if (leftMs <= 0 || isFormed) return this.#begin();
    this.#after(lookMs, () => this.#awaitFormation(leftMs - lookMs));
  }

  #begin(): void {
    for (const lane of this.#lanes) this.#next(lane);
  }

  #next(lane: Lane): void {
    const { kinds, random, intervalMsMax } = lane;
    const { scenario, counters, cluster } = this.#tools;
    this.#after(random.float() * intervalMsMax, () => {
      const kind = random.pick(kinds);
      const victim = random.pick(cluster.ids);
      const name = `fault ${kind}, victim n${victim}`;
      this.#say(name);
      const happened = (): void => {
        counters.add(`fault: ${kind}`);
        this.#say(`${name}: it did harm`);
      };
      const after = (delayMs: number, action: () => void): void => this.#after(delayMs, action);
      const later = (action: () => void): void =>
        after(random.float() * mendMsMax(scenario.electionTimeoutMinMs), action);
      const tools = { ...this.#tools, random, after, later, happened };
      faults[kind](tools, victim, cluster.host(victim));
      this.#next(lane);
    });
  }

  #after(delayMs: number, action: () => void): void {
    this.#tools.world.after(delayMs, () => {
      if (!this.#resting) action();
    });
  }
}

/** How long a fault lasts at most. */
export function mendMsMax(electionTimeoutMinMs: number): number {
  return electionTimeoutMinMs * 8;
}
