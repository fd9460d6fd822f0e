import type { DiskErrorKind } from '@d-engine/base';
import { DiskError } from '@d-engine/base';
import type { Kernel } from '../kernel.ts';
import type { Life } from '../life.ts';
import type { Range } from '../options.ts';
import type { SeededRandom } from '../seeded-random.ts';
import type { DiskCounters } from './disk-counters.ts';
import type { DiskOperation } from './disk-faults.ts';
import { DiskFaults } from './disk-faults.ts';

/** What a process asked of its disk. */
export interface FailedOperation {
  readonly operation: DiskOperation;
  readonly path: string;
}

/** One operation on its way. */
export interface DiskWork extends FailedOperation {
  readonly life: Life;
  readonly latencyMs: Range;
  readonly bytes: number;
  /** Takes effect and answers the caller. Throws {@link DiskError}, which `fail` gets instead. */
  finish(): void;
  fail(error: DiskError): void;
  /** Before it fails on order: what it did nevertheless. */
  spoil?(): void;
  /** The process ended meanwhile: whether and how far it took effect is up to the seed. */
  abandon?(): void;
}

/** Gives operations their time, their faults and their end in a crash. */
export class DiskMachine {
  readonly faults: DiskFaults = new DiskFaults();
  slowness = 1;
  readonly #kernel: Kernel;
  readonly #host: string;
  readonly #random: SeededRandom;
  readonly #counters: DiskCounters;
  readonly #inFlight: Set<DiskWork> = new Set();
  /** Of those in flight, the ones that will fail on order. */
  readonly #failing: Set<DiskWork> = new Set();
  /** By order or for want of room, to the process that runs or ran last; for what it had asked. */
  readonly #given: Map<DiskError, DiskWork> = new Map();
  readonly #subjects: Map<DiskOperation, Map<string, string>> = new Map();
  readonly #stalled: (() => void)[] = [];
  #isStalled = false;
  #stallNumber = 0;

  constructor(kernel: Kernel, host: string, random: SeededRandom, counters: DiskCounters) {
    this.#counters = counters;
    this.#kernel = kernel;
    this.#host = host;
    this.#random = random;
  }

  startLife(): void {
    this.#given.clear();
  }

  gave(error: DiskError): boolean {
    return this.#given.has(error);
  }

  /** Operations of the process that will fail on order, or have, and not for want of room. */
  get failures(): readonly FailedOperation[] {
    const given = [...this.#given].flatMap(([{ kind }, work]) => (kind === 'full' ? [] : [work]));
    return [...this.#failing, ...given];
  }

  start(work: DiskWork): void {
    if (!work.life.alive) return;
    const { min, max } = work.latencyMs;
    const transferMs = work.bytes / this.#kernel.options.disk.bytesPerMs;
    const delayMs = (this.#random.between(min, max) + transferMs) * this.slowness;
    if (this.slowness > 1) this.#counters.slowed += 1;
    const fault = this.faults.take(work.operation, work.path);
    this.#inFlight.add(work);
    if (fault !== undefined) this.#failing.add(work);
    this.#kernel.post(delayMs, work.life, () => this.#complete(work, fault));
    for (const action of this.faults.takeWatches(work.operation, work.path)) {
      // Not now: whoever asked the disk for it runs.
      this.#kernel.post(delayMs / 2, undefined, action);
    }
  }

  /** From now on nothing completes. Returns the number of this stall. */
  stall(): number {
    this.#isStalled = true;
    this.#stallNumber += 1;
    return this.#stallNumber;
  }

  /** What completed meanwhile is answered now, in order. Ends only the stall named, if any. */
  unstall(stallNumber: number = this.#stallNumber): void {
    if (stallNumber !== this.#stallNumber) return;
    this.#isStalled = false;
    for (const complete of this.#stalled.splice(0)) complete();
  }

  endLife(life: Life): void {
    this.#stalled.length = 0;
    this.#failing.clear();
    for (const work of this.#inFlight) {
      this.#inFlight.delete(work);
      if (work.life === life) work.abandon?.();
    }
  }

  /** Made once each: a text made anew is hashed anew for every event. */
  #subjectOf({ operation, path }: DiskWork): string {
    let subjects = this.#subjects.get(operation);
    if (subjects === undefined) {
      subjects = new Map();
      this.#subjects.set(operation, subjects);
    }
    let subject = subjects.get(path);
    if (subject === undefined) {
      subject = `${operation} ${path}`;
      subjects.set(path, subject);
    }
    return subject;
  }

  #complete(work: DiskWork, fault: DiskErrorKind | undefined): void {
    if (this.#isStalled) {
      this.#counters.stalled += 1;
      this.#stalled.push(() => {
        this.#kernel.post(0, work.life, () => this.#complete(work, fault));
      });
      return;
    }
    this.#inFlight.delete(work);
    this.#failing.delete(work);
    const subject = this.#subjectOf(work);
    try {
      if (fault !== undefined) {
        work.spoil?.();
        throw new DiskError(fault, work.path, `${subject} failed (${fault}, on order)`);
      }
      work.finish();
      this.#kernel.trace.record('diskDone', this.#host, subject, work.bytes);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      if (fault !== undefined) this.#counters.orderedFailures += 1;
      else if (error.kind === 'full') this.#counters.fullFailures += 1;
      if (fault !== undefined || error.kind === 'full') this.#given.set(error, work);
      this.#kernel.trace.record('diskFailed', this.#host, subject, work.bytes);
      work.fail(error);
    }
  }
}
