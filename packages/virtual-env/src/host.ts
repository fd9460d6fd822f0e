import type { ByteNetwork, Env, Network } from '@d-engine/base';
import { assert } from '@d-engine/base';
import { VirtualDisk } from './disk/virtual-disk.ts';
import { HostClock } from './host-clock.ts';
import type { Kernel } from './kernel.ts';
import type { Gate, ScheduledEvent } from './life.ts';
import { Life } from './life.ts';
import type { Fabric } from './network/fabric.ts';
import type { NetworkNode } from './network/network-node.ts';
import { VirtualByteNetwork } from './network/virtual-byte-network.ts';
import { VirtualNetwork } from './network/virtual-network.ts';
import type { SeededRandom } from './seeded-random.ts';
import { VirtualClock } from './virtual-clock.ts';
import { VirtualCompute } from './virtual-compute.ts';
import { VirtualSchedule } from './virtual-schedule.ts';

export interface CrashOptions {
  /** False: the process is killed, the machine goes on. True: the machine loses power. */
  readonly powerLoss?: boolean;
}

export interface SuspendOptions {
  /** Whether the monotonic clock goes on while the machine sleeps; Linux's does not. */
  readonly monotonicAdvances?: boolean;
}

/** Reasons why a host does not run although it lives. */
const blockers = { paused: 1, stalled: 2, suspended: 4 } as const;

/** A machine with its disk, its clocks and one process at a time. It starts alive. */
export class VirtualHost {
  readonly name: string;
  readonly disk: VirtualDisk;
  readonly #kernel: Kernel;
  readonly #fabric: Fabric;
  readonly #node: NetworkNode;
  readonly #random: SeededRandom;
  readonly #clock: HostClock;
  readonly #gate: HostGate;
  #lifeNumber = 0;
  #life: Life | undefined;
  #env: Env | undefined;
  #byteNetwork: ByteNetwork | undefined;
  #stalledUntilMs = 0;
  #suspended: ScheduledEvent | undefined;

  constructor(kernel: Kernel, fabric: Fabric, name: string, aliases: readonly string[]) {
    this.name = name;
    this.#kernel = kernel;
    this.#fabric = fabric;
    this.#node = fabric.addNode(name, aliases);
    this.#random = kernel.random.fork(`host ${name}`);
    this.#clock = new HostClock(kernel, this.#random.fork('clock'));
    this.#gate = new HostGate(kernel, name);
    this.disk = new VirtualDisk(kernel, name, this.#random.fork('disk'));
    this.restart();
  }

  /** The environment of the process that runs; each start has its own. */
  get env(): Env {
    assert(this.#env !== undefined, () => `${this.name} is down: restart it first`);
    return this.#env;
  }

  /** Streams of bytes for the process that runs, beside the messages of its {@link env}. */
  get byteNetwork(): ByteNetwork {
    assert(this.#byteNetwork !== undefined, () => `${this.name} is down: restart it first`);
    return this.#byteNetwork;
  }

  get alive(): boolean {
    return this.#life !== undefined;
  }

  /** False while it is down, paused, stalled or asleep: nobody can call into its process. */
  get runs(): boolean {
    return this.#life !== undefined && !this.#gate.blocked;
  }

  get asleep(): boolean {
    return this.#suspended !== undefined;
  }

  /** Which of its processes runs, counted from 1; undefined while it is down. */
  get life(): number | undefined {
    return this.#life?.number;
  }

  /** How many events of its processes came while they were paused, stalled or asleep, so far. */
  get heldEvents(): number {
    return this.#gate.heldCount;
  }

  /** True time without what its processes were paused, stalled or asleep for. */
  get awakeMs(): number {
    return this.#gate.openMs;
  }

  // ---- process ----

  /**
   * Ends the process: none of its callbacks runs again and none of its promises settles. On a host
   * that is down only a power loss does anything: it takes what the killed process left unsynced.
   */
  crash(options: CrashOptions = {}): void {
    const powerLoss = options.powerLoss === true;
    this.#kernel.trace.record(powerLoss ? 'powerLoss' : 'crash', this.name, '', this.#lifeNumber);
    if (this.#life !== undefined) this.#endLife(this.#life, powerLoss);
    if (powerLoss) this.disk.losePower();
  }

  /** Starts a new process, with nothing but the disk of the last one. Returns its environment. */
  restart(): Env {
    assert(this.#life === undefined, () => `${this.name} runs already: crash it first`);
    this.#lifeNumber += 1;
    this.#kernel.trace.record('restart', this.name, '', this.#lifeNumber);
    const life = new Life(this.#gate, this.#lifeNumber);
    this.#life = life;
    this.#fabric.startLife(this.#node, life);
    const origin = {
      kernel: this.#kernel,
      fabric: this.#fabric,
      node: this.#node,
      life,
      clock: this.#clock,
    };
    this.#byteNetwork = new VirtualByteNetwork(origin);
    this.#env = this.#makeEnv(life, new VirtualNetwork(origin));
    return this.#env;
  }

  /** Stops the process as SIGSTOP does: clocks go on, the kernel still takes what arrives. */
  pause(): void {
    this.#kernel.trace.record('pause', this.name, '');
    this.#gate.block(blockers.paused);
  }

  /** What came due meanwhile happens now, in its order. */
  resume(): void {
    this.#kernel.trace.record('resume', this.name, '');
    this.#gate.unblock(blockers.paused);
  }

  /** The event loop stands still for `ms`, from the end of the present callback. */
  stall(ms: number): void {
    assert(ms >= 0, () => `cannot stall for ${ms} ms`);
    this.#kernel.trace.record('stall', this.name, '', ms);
    this.#stalledUntilMs = Math.max(this.#stalledUntilMs, this.#kernel.nowMs + ms);
    this.#gate.block(blockers.stalled);
    this.#kernel.post(ms, undefined, () => {
      if (this.#kernel.nowMs >= this.#stalledUntilMs) this.#gate.unblock(blockers.stalled);
    });
  }

  /** The machine sleeps for `ms`: nothing runs and nothing is received; the wall clock goes on. */
  suspend(ms: number, options: SuspendOptions = {}): void {
    assert(ms >= 0, () => `cannot sleep for ${ms} ms`);
    assert(this.#suspended === undefined, () => `${this.name} sleeps already`);
    this.#kernel.trace.record('pause', this.name, 'suspended', ms);
    this.#gate.block(blockers.suspended);
    this.#clock.sleep();
    this.#fabric.setDark(this.#node, true);
    this.#suspended = this.#kernel.post(ms, undefined, () => {
      this.#wake(options.monotonicAdvances !== true);
    });
  }

  // ---- clocks ----

  jumpWallClock(ms: number): void {
    this.#kernel.trace.record('wallJump', this.name, '', ms);
    this.#clock.jumpWall(ms);
  }

  /** Local monotonic milliseconds per millisecond of true time. */
  setClockRate(rate: number): void {
    this.#kernel.trace.record('wallJump', this.name, 'rate', rate);
    this.#clock.setRate(rate);
  }

  #makeEnv(life: Life, network: Network): Env {
    const kernel = this.#kernel;
    // A new fork for each life: a draw more before a crash shifts nothing after it.
    const random = this.#random.fork(`life ${life.number}`);
    return {
      clock: new VirtualClock(kernel, life, this.#clock, random.fork('timers')),
      random: random.fork('random'),
      disk: this.disk.startLife(life),
      network,
      compute: new VirtualCompute(kernel, life, random.fork('compute')),
      schedule: new VirtualSchedule(kernel, life, random.fork('schedule'), (ms) => {
        if (life.alive) this.stall(ms);
      }),
    };
  }

  #endLife(life: Life, powerLoss: boolean): void {
    life.end();
    this.#life = undefined;
    this.#env = undefined;
    this.#byteNetwork = undefined;
    this.#fabric.endLife(this.#node, powerLoss);
    this.disk.endLife();
    // Whatever held the process up is over with it; its waiting events are void.
    this.#stalledUntilMs = 0;
    this.#gate.clear();
    if (this.#suspended !== undefined) this.#wake(false);
  }

  #wake(forget: boolean): void {
    this.#clock.wake(forget);
    if (this.#suspended !== undefined) this.#kernel.cancel(this.#suspended);
    this.#suspended = undefined;
    this.#kernel.trace.record('resume', this.name, 'suspended');
    this.#fabric.setDark(this.#node, false);
    this.#gate.unblock(blockers.suspended);
  }
}

class HostGate implements Gate {
  readonly host: string;
  readonly waiting: ScheduledEvent[] = [];
  readonly #kernel: Kernel;
  #blockers = 0;
  /** Waited once, and wait no more. */
  #waited = 0;
  #blockedAtMs = 0;
  /** Before the present block. */
  #blockedMs = 0;

  constructor(kernel: Kernel, host: string) {
    this.#kernel = kernel;
    this.host = host;
  }

  get blocked(): boolean {
    return this.#blockers !== 0;
  }

  get heldCount(): number {
    return this.#waited + this.waiting.length;
  }

  get openMs(): number {
    return (this.blocked ? this.#blockedAtMs : this.#kernel.nowMs) - this.#blockedMs;
  }

  block(blocker: number): void {
    if (!this.blocked) this.#blockedAtMs = this.#kernel.nowMs;
    this.#blockers |= blocker;
  }

  unblock(blocker: number): void {
    this.#open(this.#blockers & ~blocker);
    if (this.blocked) return;
    this.#waited += this.waiting.length;
    for (const event of this.waiting.splice(0)) {
      if (event.action !== undefined) this.#kernel.queue.addAgain(event, this.#kernel.nowMs);
    }
  }

  clear(): void {
    this.#open(0);
    this.#waited += this.waiting.length;
    this.waiting.length = 0;
  }

  #open(blockers: number): void {
    if (this.blocked && blockers === 0) this.#blockedMs += this.#kernel.nowMs - this.#blockedAtMs;
    this.#blockers = blockers;
  }
}
