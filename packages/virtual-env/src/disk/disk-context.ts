import type { Kernel } from '../kernel.ts';
import type { Life } from '../life.ts';
import type { SeededRandom } from '../seeded-random.ts';
import type { DiskCounters } from './disk-counters.ts';
import type { DiskMachine } from './disk-machine.ts';
import type { FileSystem } from './file-system.ts';

/** What the disk of a host and one life of it share. */
export interface DiskContext {
  readonly kernel: Kernel;
  readonly life: Life;
  readonly files: FileSystem;
  readonly machine: DiskMachine;
  /** Decides what became of things that were cut short. */
  readonly random: SeededRandom;
  readonly counters: DiskCounters;
  /** By normalized path. */
  readonly locks: Map<string, Life>;
  readonly normalize: (path: string) => string;
}
