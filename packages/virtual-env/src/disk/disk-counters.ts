/** What happened on a disk so far. */
export interface DiskCounters {
  writes: number;
  bytesWritten: number;
  reads: number;
  syncs: number;
  directorySyncs: number;
  powerLosses: number;
  /** In power losses and failed syncs: unsynced changes of files that vanished. */
  lostWrites: number;
  /** ... that survived in some sectors only. */
  tornWrites: number;
  /** ... that survived although nothing made them durable. */
  keptWrites: number;
  lostDirectoryChanges: number;
  /** Operations that failed for want of space, or by order. */
  fullFailures: number;
  orderedFailures: number;
  /** Operations that a stall held up, or that took longer on a slow disk. */
  stalled: number;
  slowed: number;
}

export function noDiskCounts(): DiskCounters {
  return {
    writes: 0,
    bytesWritten: 0,
    reads: 0,
    syncs: 0,
    directorySyncs: 0,
    powerLosses: 0,
    lostWrites: 0,
    tornWrites: 0,
    keptWrites: 0,
    lostDirectoryChanges: 0,
    fullFailures: 0,
    orderedFailures: 0,
    stalled: 0,
    slowed: 0,
  };
}
