import type { DurablePlace } from './durable-place.ts';
import type { FileNode } from './file-node.ts';

export type Node = FileNode | DirectoryNode;

export interface Place {
  readonly directory: DirectoryNode;
  readonly name: string;
}

/** A creation (`to` alone), removal (`from` alone) or rename (both), which is one step. */
export interface DirectoryChange {
  readonly id: number;
  readonly node: Node;
  readonly from: Place | undefined;
  readonly to: Place | undefined;
  /** Decided: on the platter, or lost. */
  settled: boolean;
}

/** A directory: names as the running process sees them, and as they are on the platter. */
export class DirectoryNode {
  readonly type = 'directory';
  readonly id: number;
  durablePlace: DurablePlace | undefined = undefined;
  /** The latest change of this node that is on the platter. */
  durableChange = 0;
  entries: Map<string, Node> = new Map();
  readonly durable: Map<string, Node> = new Map();
  readonly #pending: DirectoryChange[] = [];
  /** By name, the latest change on the platter; needed while older ones are not there. */
  readonly #durableChanges: Map<string, number> = new Map();
  #settled = 0;

  constructor(id: number) {
    this.id = id;
  }

  get pending(): readonly DirectoryChange[] {
    return this.#pending;
  }

  addPending(change: DirectoryChange): void {
    this.#pending.push(change);
  }

  /** Names the changes up to now, which a sync that starts now will cover. */
  mark(): number {
    return this.#settled + this.#pending.length;
  }

  syncUpTo(mark: number): void {
    const count = mark - this.#settled;
    if (count <= 0) return;
    for (const change of this.#pending.splice(0, count)) makeDurable(change);
    this.#settled = mark;
    if (this.#pending.length === 0) this.#durableChanges.clear();
  }

  durableChangeOf(name: string): number {
    return this.#durableChanges.get(name) ?? 0;
  }

  noteDurable(name: string, change: number): void {
    this.#durableChanges.set(name, Math.max(change, this.durableChangeOf(name)));
  }

  /** After a power loss: only what is on the platter is there. */
  loseCache(): void {
    this.#settled += this.#pending.length;
    this.#pending.length = 0;
    this.#durableChanges.clear();
    this.entries = new Map(this.durable);
  }
}

/**
 * Puts one change on the platter. Changes before it may be missing there, so it finds the node
 * where the platter has it: a node never has two names, and a rename never leaves none.
 * A rename across directories gets there by the sync of either, so possibly before older changes
 * of the other: those must then not undo it.
 */
export function makeDurable(change: DirectoryChange): void {
  if (change.settled) return;
  change.settled = true;
  const { id, node, from, to } = change;
  if (node.durableChange > id) {
    if (to !== undefined) removeOlder(to, id);
    return;
  }
  node.durableChange = id;
  const target = to ?? from;
  const newer = target?.directory.durableChangeOf(target.name) ?? 0;
  from?.directory.noteDurable(from.name, id);
  to?.directory.noteDurable(to.name, id);
  if (to === undefined) {
    if (from !== undefined) removeEntry(from, node);
    return;
  }
  if (node.durablePlace !== undefined) removeEntry(node.durablePlace, node);
  if (newer > id) return;
  moveAway(change);
  const replaced = to.directory.durable.get(to.name);
  if (replaced !== undefined) replaced.durablePlace = undefined;
  to.directory.durable.set(to.name, node);
  node.durablePlace = to;
}

/**
 * Whether the platter still has a file under the name that this change takes which has moved to
 * another one since, and was not removed: no disk loses it for that.
 */
export function wouldBury({ node, to }: DirectoryChange): boolean {
  const there = to?.directory.durable.get(to.name);
  return there?.type === 'file' && there !== node && there.linked;
}

/** What moved a file away from the name that this change takes gets there before it. */
function moveAway(change: DirectoryChange): void {
  const { id, to } = change;
  if (to === undefined || !wouldBury(change)) return;
  const there = to.directory.durable.get(to.name);
  for (const older of to.directory.pending) {
    if (older.node === there && older.id < id) makeDurable(older);
  }
}

/** The node that came to this name has moved on since; what it replaced is gone all the same. */
function removeOlder(place: Place, change: number): void {
  const replaced = place.directory.durable.get(place.name);
  if (replaced !== undefined && replaced.durableChange < change) removeEntry(place, replaced);
}

function removeEntry(place: DurablePlace, node: Node): void {
  if (place.directory.durable.get(place.name) !== node) return;
  place.directory.durable.delete(place.name);
  node.durablePlace = undefined;
}
