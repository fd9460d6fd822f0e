import type { FaultKind, Transport } from './scenario.ts';
import { faultKinds } from './scenario.ts';

/** What may happen in a run. A summary says how often it did, and in how many of the runs. */
const eventNames = [
  // Elections.
  'leader changes',
  'pre-votes refused',
  'votes refused',
  'check-quorum step-downs',
  'leadership handed over',
  'transfers by leaders that went on',
  'transfers given up',
  'wiped members refused',
  'majorities without some members',
  // From memory (design rule 3).
  'members that recovered',
  'elections by every voter',
  'losses of what was committed',
  'waits for every voter',
  // The log.
  'uncommitted entries removed',
  'conflict hints',
  'torn tails cut',
  'torn copies of the vote',
  // Snapshots.
  'snapshots taken',
  'snapshots installed',
  'entries purged',
  'states found to agree',
  // Reads and writes.
  'lease reads answered locally',
  'reads confirmed by a quorum',
  'eventual reads',
  'writes forwarded',
  'client retries',
  'redirects followed',
  'swaps that failed',
  'deletes of a key that was there',
  'outcomes unknown',
  'outcomes unknown behind a cut link',
  'answers past a cut link of the client',
  'values longer than a sector',
  'values refused as too long',
  'writes refused by a full queue',
  'reads refused by a full queue',
  'turns that left writes for the next one',
  'appends that left entries for the next one',
  'operations of a process that died',
  // Watches.
  'watch events heard',
  'watches resumed elsewhere',
  'watches of a process that died',
  'watches told to read anew',
  'watchers canceled by overflow',
  'watches refused or canceled as compacted',
  // Disks.
  'unsynced writes lost',
  'unsynced writes torn',
  'unsynced writes kept',
  'directory changes lost',
  'operations on a full disk',
  'operations failed by the disk',
  'members stopped by a full disk',
  'starts not noted for want of room',
  'members stopped by a disk error',
  'damaged logs refused',
  'damaged votes survived',
  'crashes during recovery',
  // Network and host.
  'messages lost',
  'messages sent twice',
  'messages overtaken',
  'writes cut into pieces',
  'pieces read together',
  'pieces sent again',
  'writers held up',
  'connections lost',
  'connections refused',
  'event loop stalls noticed',
] as const;

export type CounterName = (typeof eventNames)[number] | `fault: ${FaultKind}`;

export const counterNames: readonly CounterName[] = [
  ...eventNames,
  ...faultKinds.map((kind) => `fault: ${kind}` as const),
];

/** What one transport alone can bring about: runs over the other say nothing about it. */
export const countedOver: Readonly<Partial<Record<CounterName, Transport>>> = {
  'messages lost': 'messages',
  'messages sent twice': 'messages',
  'messages overtaken': 'messages',
  'writes cut into pieces': 'bytes',
  'pieces read together': 'bytes',
  'pieces sent again': 'bytes',
  'writers held up': 'bytes',
};

/** What needs a member that acknowledges from memory: other runs say nothing about it. */
export const countedFromMemory: ReadonlySet<CounterName> = new Set([
  'members that recovered',
  'elections by every voter',
  'losses of what was committed',
  'waits for every voter',
]);

export type Counts = Readonly<Partial<Record<CounterName, number>>>;

export class Counters {
  readonly #counts: Partial<Record<CounterName, number>> = {};

  add(name: CounterName, amount = 1): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + amount;
  }

  get(name: CounterName): number {
    return this.#counts[name] ?? 0;
  }

  get counts(): Counts {
    return { ...this.#counts };
  }
}
