import { assert } from '@d-engine/base';
import { VirtualHost } from './host.ts';
import { Kernel } from './kernel.ts';
import { Fabric } from './network/fabric.ts';
import type { LinkCounters } from './network/link.ts';
import type { NetworkNode } from './network/network-node.ts';
import type { Range, WorldOptions, WorldOverrides } from './options.ts';
import { completeOptions } from './options.ts';
import type { UncaughtHandler } from './pump.ts';
import { Pump } from './pump.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { TraceKind, TraceSink } from './trace.ts';

export interface WorldSettings extends WorldOverrides {
  /** The whole run follows from it. */
  readonly seed: number | string;
}

export interface HostOptions {
  /** More names or IP addresses by which it is reached. */
  readonly aliases?: readonly string[];
}

/** How far to run. */
export type RunGoal =
  | { /** Virtual time of the world. */ readonly untilMs: number }
  | { readonly forMs: number }
  | {
      /** Asked after each event. */
      readonly until: () => boolean;
      /** Virtual time from now after which to give up. */
      readonly limitMs: number;
    };

export type HostOrName = VirtualHost | string;

/**
 * Hosts, their disks and the network between them in one process, on virtual time. Every run with
 * the same seed, options and code goes the same way, event by event.
 */
export class VirtualWorld {
  readonly options: WorldOptions;
  readonly #kernel: Kernel;
  readonly #fabric: Fabric;
  readonly #pump: Pump;
  readonly #hosts: Map<string, VirtualHost> = new Map();

  constructor(settings: WorldSettings) {
    this.options = completeOptions(settings);
    this.#kernel = new Kernel(settings.seed, this.options);
    this.#fabric = new Fabric(this.#kernel);
    this.#pump = new Pump(this.#kernel);
  }

  /** True time, which no host sees. */
  get nowMs(): number {
    return this.#kernel.nowMs;
  }

  /** Events that ran so far: the measure of a run's cost. */
  get eventCount(): number {
    return this.#pump.events;
  }

  /**
   * The host whose event ran last: no other one has done anything since the event before. Undefined
   * for an event of the world, and where it is not known.
   */
  get lastHost(): string | undefined {
    return this.#pump.lastHost;
  }

  /** The host of this name, which comes up with the first question for it. */
  host(name: string, options?: HostOptions): VirtualHost {
    const existing = this.#hosts.get(name);
    if (existing !== undefined) {
      assert(options === undefined, () => `${name} exists: its options come too late`);
      return existing;
    }
    const host = new VirtualHost(this.#kernel, this.#fabric, name, options?.aliases ?? []);
    this.#hosts.set(name, host);
    return host;
  }

  get hosts(): readonly VirtualHost[] {
    return [...this.#hosts.values()];
  }

  // ---- running ----

  /** Says whether the goal was reached; only a condition that stayed false makes it false. */
  async run(goal: RunGoal): Promise<boolean> {
    if ('until' in goal) return this.#pump.run(this.nowMs + goal.limitMs, goal.until);
    const limitMs = 'untilMs' in goal ? goal.untilMs : this.nowMs + goal.forMs;
    await this.#pump.run(limitMs, () => false);
    return true;
  }

  /** Runs until the promise settles, and settles as it does. */
  async complete<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    let settled = false;
    const note = (): void => {
      settled = true;
    };
    void promise.then(note, note);
    const done = await this.run({ until: () => settled, limitMs });
    if (!done) throw new Error(`no answer within ${limitMs} ms of virtual time`);
    return promise;
  }

  /**
   * For what the world itself does: a fault, a workload. Not tied to any host's life. Returns how
   * to cancel it.
   */
  after(delayMs: number, action: () => void): () => void {
    const event = this.#kernel.post(delayMs, undefined, action);
    return () => this.#kernel.cancel(event);
  }

  /** A stream of draws of its own, the same for the same label. */
  random(label: string): SeededRandom {
    return this.#kernel.random.fork(`world ${label}`);
  }

  /**
   * What to do when a callback of a host throws: by default the run ends with that error. A
   * rejected promise that nobody handles is Node's to report.
   */
  onUncaught(handler: UncaughtHandler | undefined): void {
    this.#pump.onUncaught(handler);
  }

  // ---- faults of the network ----

  /** Cuts both ways between hosts of different groups. Hosts in no group keep their links. */
  partition(groups: readonly (readonly HostOrName[])[]): void {
    for (const [index, group] of groups.entries()) {
      for (const other of groups.slice(index + 1)) {
        for (const host of group) for (const peer of other) this.cut(host, peer, 'both');
      }
    }
  }

  /** Streams over a cut link stand still, and are reset after a while. */
  cut(from: HostOrName, to: HostOrName, ways: 'one' | 'both' = 'one'): void {
    const source = this.#node(from);
    const target = this.#node(to);
    this.#fabric.cut(source, target);
    if (ways === 'both') this.#fabric.cut(target, source);
  }

  /** All cuts, or those between two hosts. */
  heal(one?: HostOrName, other?: HostOrName, ways: 'one' | 'both' = 'both'): void {
    if (one === undefined) {
      this.#fabric.mendAll();
      return;
    }
    assert(other !== undefined, 'heal all, or the links between two hosts');
    this.#fabric.mend(this.#node(one), this.#node(other));
    if (ways === 'both') this.#fabric.mend(this.#node(other), this.#node(one));
  }

  /**
   * Breaks all connections between two hosts now, as a router that forgets them does. Says how many
   * there were.
   */
  reset(one: HostOrName, other: HostOrName): number {
    return this.#fabric.reset(this.#node(one), this.#node(other));
  }

  /** Adds a delay to each message from now on, one way. */
  clog(from: HostOrName, to: HostOrName, delayMs: Range): void {
    this.#fabric.clog(this.#node(from), this.#node(to), delayMs);
  }

  /** All links, or that from one host to another. */
  unclog(from?: HostOrName, to?: HostOrName): void {
    if (from === undefined) {
      this.#fabric.unclogAll();
      return;
    }
    assert(to !== undefined, 'unclog all, or the link from one host to another');
    this.#fabric.unclog(this.#node(from), this.#node(to));
  }

  /**
   * From now on networks lose, repeat, reorder and break nothing by themselves, and event loops do
   * not stand still. What happened stays so, and what is ordered is still carried out.
   */
  endMishaps(): void {
    this.#kernel.endMishaps();
  }

  /** What came to the link from one host to another while it was closed or clogged. */
  linkCounters(from: HostOrName, to: HostOrName): LinkCounters {
    return this.#fabric.link(this.#node(from), this.#node(to)).counters;
  }

  // ---- trace ----

  /** Tells the sink of everything that happens; undefined ends it. Costs time, changes nothing. */
  trace(sink: TraceSink | undefined): void {
    this.#kernel.trace.attach(sink);
  }

  /** Puts a line of the code under test into the trace and the fingerprint. */
  note(host: HostOrName, text: string): void {
    this.#kernel.trace.record('note', typeof host === 'string' ? host : host.name, text);
  }

  /** How often this happened so far. */
  countOf(kind: TraceKind): number {
    return this.#kernel.trace.countOf(kind);
  }

  /** A hash of everything that happened: equal for equal runs. */
  fingerprint(): string {
    return this.#kernel.trace.fingerprint();
  }

  #node(host: HostOrName): NetworkNode {
    return this.#fabric.node(typeof host === 'string' ? host : host.name);
  }
}
