import { bugsOfElections } from './bugs-of-elections.ts';
import { bugsOfMemFirst } from './bugs-of-mem-first.ts';
import { bugsOfReads } from './bugs-of-reads.ts';
import { bugsOfReplication } from './bugs-of-replication.ts';
import { bugsOfSnapshots } from './bugs-of-snapshots.ts';
import { bugsOfStorage } from './bugs-of-storage.ts';
import { bugsOfTheWire } from './bugs-of-the-wire.ts';
import { bugsOfWatches } from './bugs-of-watches.ts';
import { bugsOfWrites } from './bugs-of-writes.ts';
import type { PlantedBug } from './planted-bug.ts';

/** A simulator that finds nothing proves nothing: it must find each of these. */
export const plantedBugs: readonly PlantedBug[] = [
  ...bugsOfStorage,
  ...bugsOfSnapshots,
  ...bugsOfElections,
  ...bugsOfMemFirst,
  ...bugsOfReplication,
  ...bugsOfReads,
  ...bugsOfWrites,
  ...bugsOfWatches,
  ...bugsOfTheWire,
];
