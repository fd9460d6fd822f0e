import type { SeededRandom } from '../seeded-random.ts';
import type { DirectoryChange } from './directory-node.ts';
import { makeDurable, wouldBury } from './directory-node.ts';
import type { FileNode, UnsyncedChange } from './file-node.ts';

/** What disks write in one step. */
export const sectorBytes = 512;

export interface CrashCounts {
  lostWrites: number;
  tornWrites: number;
  keptWrites: number;
  lostDirectoryChanges: number;
}

/** One power loss: how likely each unsynced change is to survive it, whole or in part. */
export class CrashModel {
  readonly counts: CrashCounts = {
    lostWrites: 0,
    tornWrites: 0,
    keptWrites: 0,
    lostDirectoryChanges: 0,
  };
  readonly #random: SeededRandom;
  readonly #keepProbability: number;
  readonly #tearProbability: number;

  /** Half of the crashes are pure, where all or nothing survives: mixtures rarely make those. */
  constructor(random: SeededRandom) {
    this.#random = random;
    this.#keepProbability = random.pick([0, 0, 0.5, 0.5, 0.9, 1]);
    this.#tearProbability = random.pick([0, 0.3, 0.8]);
  }

  crashFile(file: FileNode): void {
    const survivors: UnsyncedChange[] = [];
    for (const change of file.unsynced) {
      if (change.type === 'write' && this.#random.chance(this.#tearProbability)) {
        this.#tear(change.position, change.length, change.bytes, survivors);
      } else if (this.#random.chance(this.#keepProbability)) {
        this.counts.keptWrites += 1;
        survivors.push(change);
      } else {
        this.counts.lostWrites += 1;
      }
    }
    file.loseCache(survivors);
  }

  /** Each change for itself: file systems order some of them, and POSIX none. */
  crashDirectoryChanges(changes: readonly DirectoryChange[]): void {
    for (const change of changes) {
      if (change.settled) continue;
      if (this.#random.chance(this.#keepProbability) && !wouldBury(change)) {
        makeDurable(change);
      } else {
        change.settled = true;
        this.counts.lostDirectoryChanges += 1;
      }
    }
  }

  /**
   * Keeps any sectors of the write, or none, or all: one of a single sector cannot be torn. The
   * length may have become durable without them.
   */
  #tear(
    position: number,
    length: number,
    bytes: Uint8Array | undefined,
    survivors: UnsyncedChange[],
  ): void {
    const end = position + length;
    let keptBytes = 0;
    let at = position;
    while (at < end) {
      const sectorEnd = Math.min((Math.floor(at / sectorBytes) + 1) * sectorBytes, end);
      if (this.#random.chance(0.5)) {
        keptBytes += sectorEnd - at;
        survivors.push({
          type: 'write',
          position: at,
          length: sectorEnd - at,
          bytes: bytes?.subarray(at - position, sectorEnd - position),
        });
      }
      at = sectorEnd;
    }
    if (this.#random.chance(0.5)) survivors.push({ type: 'extend', length: end });
    if (keptBytes === 0) this.counts.lostWrites += 1;
    else if (keptBytes === length) this.counts.keptWrites += 1;
    else this.counts.tornWrites += 1;
  }
}
