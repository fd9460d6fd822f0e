import type { Disk, DiskError } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { Kernel } from '../kernel.ts';
import type { Life } from '../life.ts';
import type { SeededRandom } from '../seeded-random.ts';
import type { DiskCounters } from './disk-counters.ts';
import { noDiskCounts } from './disk-counters.ts';
import type { DiskFault, DiskOperation } from './disk-faults.ts';
import type { FailedOperation } from './disk-machine.ts';
import { DiskMachine } from './disk-machine.ts';
import { DiskSession } from './disk-session.ts';
import { FileSystem, splitPath } from './file-system.ts';

/** The disk of a host: it outlives the host's processes. What tests and faults hold of it. */
export class VirtualDisk {
  readonly counters: DiskCounters = noDiskCounts();
  readonly #kernel: Kernel;
  readonly #host: string;
  readonly #random: SeededRandom;
  readonly #files: FileSystem;
  readonly #machine: DiskMachine;
  readonly #locks: Map<string, Life> = new Map();
  #life: Life | undefined;

  constructor(kernel: Kernel, host: string, random: SeededRandom) {
    this.#kernel = kernel;
    this.#host = host;
    this.#random = random.fork('crash');
    this.#files = new FileSystem(kernel.options.disk);
    this.#machine = new DiskMachine(kernel, host, random.fork('latency'), this.counters);
  }

  get usedBytes(): number {
    return this.#files.usedBytes;
  }

  /** Whether a power loss now could lose anything. */
  get hasUnsynced(): boolean {
    return this.#files.hasUnsynced;
  }

  // ---- faults ----

  /**
   * The next operation of this kind that starts fails. Returns how to take the order back, which
   * says whether there was anything left of it.
   */
  failNext(fault: DiskFault): () => boolean {
    this.#kernel.trace.record('diskFault', this.#host, `${fault.operation} ${fault.kind}`);
    return this.#machine.faults.add(fault);
  }

  /**
   * Calls `action` once, halfway through the next operation of this kind. Returns how to wait no
   * longer; a watch outlives processes.
   */
  duringNext(operation: DiskOperation, pathIncludes: string, action: () => void): () => void {
    return this.#machine.faults.watch(operation, pathIncludes, action);
  }

  /** Orders to fail, and watches. */
  clearFaults(): void {
    this.#machine.faults.clear();
  }

  /** What failed on order, or will, of what the process that runs, or ran last, asked for. */
  get failures(): readonly FailedOperation[] {
    return this.#machine.failures;
  }

  /** Below what is used already: every write that makes a file longer fails. */
  setCapacity(bytes: number): void {
    this.#kernel.trace.record('diskFault', this.#host, 'capacity', bytes);
    this.#files.capacityBytes = bytes;
  }

  /** Operations that start from now on take `factor` times as long; 1 is normal. */
  slow(factor: number): void {
    assert(factor > 0 && factor < Infinity, () => `a disk cannot be ${factor} times slower`);
    this.#kernel.trace.record('diskFault', this.#host, 'slow', factor);
    this.#machine.slowness = factor;
  }

  /** Nothing completes for `ms`, or until {@link unstall}. */
  stall(ms?: number): void {
    this.#kernel.trace.record('diskFault', this.#host, 'stall', ms ?? -1);
    const stall = this.#machine.stall();
    if (ms !== undefined) this.#kernel.post(ms, undefined, () => this.#machine.unstall(stall));
  }

  unstall(): void {
    this.#machine.unstall();
  }

  /** Flips bits of what is durable; unsynced writes over it stay as they are. */
  corrupt(path: string, position: number, length: number): void {
    this.#kernel.trace.record('diskFault', this.#host, `corrupt ${path}`, position);
    this.#files.file(path).corrupt(position, length);
  }

  /** An empty disk. The host must be down. */
  wipe(): void {
    assert(this.#life === undefined, 'a disk is wiped while its host is down');
    this.#kernel.trace.record('diskFault', this.#host, 'wipe');
    this.#files.wipe();
  }

  /**
   * Whether the process that runs, or ran last, got this very error from a fault: by order, or for
   * want of room.
   */
  gave(error: DiskError): boolean {
    return this.#machine.gave(error);
  }

  // ---- a look from outside ----

  /** The whole file as a process sees it now; undefined when there is none. */
  peek(path: string): Uint8Array | undefined {
    const node = this.#files.find(path);
    return node?.type === 'file' ? node.read(0, node.length) : undefined;
  }

  /** Names in the directory; undefined when there is none. */
  peekNames(path: string): string[] | undefined {
    return this.#files.find(path)?.type === 'directory' ? this.#files.list(path) : undefined;
  }

  /** What a power loss now is sure to leave of a file; undefined: not even its name. */
  peekDurable(path: string, position: number, length: number): Uint8Array | undefined {
    const node = this.#files.findDurable(path);
    return node?.type === 'file' ? node.readDurable(position, length) : undefined;
  }

  // ---- for the host ----

  /** The disk for a process that starts. */
  startLife(life: Life): Disk {
    assert(this.#life === undefined, 'the disk serves another process');
    this.#life = life;
    this.#machine.startLife();
    return new DiskSession({
      kernel: this.#kernel,
      life,
      files: this.#files,
      machine: this.#machine,
      random: this.#random,
      counters: this.counters,
      locks: this.#locks,
      normalize: (path) => splitPath(path).join('/'),
    });
  }

  /** The process is gone: its locks too; what it had in flight happened, in part, or not. */
  endLife(): void {
    if (this.#life === undefined) return;
    this.#machine.endLife(this.#life);
    this.#locks.clear();
    this.#life = undefined;
  }

  /** The machine is off: what no sync covered is up to the seed. */
  losePower(): void {
    assert(this.#life === undefined, 'the process ends before the power is gone');
    const counts = this.#files.powerLoss(this.#random);
    this.counters.powerLosses += 1;
    this.counters.lostWrites += counts.lostWrites;
    this.counters.tornWrites += counts.tornWrites;
    this.counters.keptWrites += counts.keptWrites;
    this.counters.lostDirectoryChanges += counts.lostDirectoryChanges;
    this.#kernel.trace.record('diskCrash', this.#host, 'lost', counts.lostWrites);
    this.#kernel.trace.record('diskCrash', this.#host, 'torn', counts.tornWrites);
  }
}
