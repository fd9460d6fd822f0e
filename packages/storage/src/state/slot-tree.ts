/** All slots in the order of their keys: a B+ tree whose nodes are copied before they change. */
interface Leaf {
  readonly kind: 'leaf';
  readonly epoch: number;
  readonly slots: number[];
}

interface Inner {
  readonly kind: 'inner';
  readonly epoch: number;
  readonly children: Node[];
  /** One fewer than children: what is in child n + 1 is not below separator n, all before is. */
  readonly separators: Uint8Array[];
}

type Node = Leaf | Inner;

/** A tree as it was at one moment. */
export type SlotTreeRoot = Node;

/** Measured from 16 to 256: longer leaves cost inserts, shorter ones memory. */
const leafSlotsMax = 64;
const childrenMax = 64;

/** What the tree asks about keys; it holds none but the separators. */
export interface KeysOfSlots {
  /** Negative when `key` comes before the key of the slot, 0 when it is that key. */
  compare(key: Uint8Array, slot: number): number;
  keyOf(slot: number): Uint8Array;
}

export class SlotTree {
  readonly #keys: KeysOfSlots;
  #root: Node;
  #epoch = 1;
  /** Nodes of this epoch and older belong to views. */
  #frozenEpoch = 0;

  constructor(keys: KeysOfSlots) {
    this.#keys = keys;
    this.#root = { kind: 'leaf', epoch: this.#epoch, slots: [] };
  }

  get root(): SlotTreeRoot {
    return this.#root;
  }

  /** Requires: the key is not there yet, and the slot has it. */
  insert(key: Uint8Array, slot: number): void {
    const root = this.#own(this.#root);
    this.#root = root;
    const split = this.#insert(root, key, slot);
    if (split === undefined) return;
    const { separator, right } = split;
    const children = [root, right];
    this.#root = { kind: 'inner', epoch: this.#epoch, children, separators: [separator] };
  }

  /** Requires: the key is there, and its slot still has it. */
  remove(key: Uint8Array): void {
    let root = this.#own(this.#root);
    this.#remove(root, key);
    while (root.kind === 'inner' && root.children.length === 1) root = root.children[0] as Node;
    this.#root = root;
  }

  freeze(): SlotTreeRoot {
    this.#frozenEpoch = this.#epoch;
    this.#epoch += 1;
    return this.#root;
  }

  thaw(epoch: number): void {
    this.#frozenEpoch = epoch;
  }

  #own<T extends Node>(node: T): T {
    if (node.epoch > this.#frozenEpoch) return node;
    const epoch = this.#epoch;
    if (node.kind === 'leaf') return { ...node, epoch, slots: node.slots.slice() };
    const { children, separators } = node;
    return { ...node, epoch, children: children.slice(), separators: separators.slice() };
  }

  #ownChild(parent: Inner, place: number): Node {
    const child = parent.children[place] as Node;
    const own = this.#own(child);
    if (own !== child) parent.children[place] = own;
    return own;
  }

  /** Into a node of our own; what it split off, if it became too full. */
  #insert(
    node: Node,
    key: Uint8Array,
    slot: number,
  ): { readonly separator: Uint8Array; readonly right: Node } | undefined {
    if (node.kind === 'leaf') {
      const { slots } = node;
      const place = placeInLeaf(this.#keys, slots, key);
      slots.splice(place, 0, slot);
      if (slots.length <= leafSlotsMax) return undefined;
      return this.#splitLeaf(slots, place);
    }
    const place = placeInInner(node.separators, key);
    const split = this.#insert(this.#ownChild(node, place), key, slot);
    if (split === undefined) return undefined;
    const { children, separators } = node;
    children.splice(place + 1, 0, split.right);
    separators.splice(place, 0, split.separator);
    if (children.length <= childrenMax) return undefined;
    const half = place === children.length - 2 ? children.length - 1 : children.length >> 1;
    const separator = separators[half - 1] as Uint8Array;
    const right: Inner = {
      kind: 'inner',
      epoch: this.#epoch,
      children: children.splice(half),
      separators: separators.splice(half),
    };
    separators.length = half - 1;
    return { separator, right };
  }

  /** Keys that come in rising order leave full leaves behind. */
  #splitLeaf(
    slots: number[],
    place: number,
  ): { readonly separator: Uint8Array; readonly right: Leaf } {
    const half = place === slots.length - 1 ? place : slots.length >> 1;
    const last = this.#keys.keyOf(slots[half - 1] as number);
    const first = this.#keys.keyOf(slots[half] as number);
    const right: Leaf = { kind: 'leaf', epoch: this.#epoch, slots: slots.splice(half) };
    return { separator: shortestBetween(last, first), right };
  }

  #remove(node: Node, key: Uint8Array): void {
    if (node.kind === 'leaf') {
      node.slots.splice(placeInLeaf(this.#keys, node.slots, key), 1);
      return;
    }
    const place = placeInInner(node.separators, key);
    const child = this.#ownChild(node, place);
    this.#remove(child, key);
    if (sizeOf(child) * 4 < leafSlotsMax) this.#mergeAt(node, place);
  }

  /** With the one beside it, if both fit in one; so a tree that got few keys gets few nodes. */
  #mergeAt(node: Inner, place: number): void {
    const { children, separators } = node;
    const leftPlace = place > 0 ? place - 1 : 0;
    const right = children[leftPlace + 1];
    if (right === undefined) return;
    const left = children[leftPlace] as Node;
    const hasEmpty = sizeOf(left) === 0 || sizeOf(right) === 0;
    if (!hasEmpty && sizeOf(left) + sizeOf(right) > (leafSlotsMax * 3) / 4) return;
    const own = this.#ownChild(node, leftPlace);
    const [separator] = separators.splice(leftPlace, 1);
    children.splice(leftPlace + 1, 1);
    if (own.kind === 'leaf' && right.kind === 'leaf') own.slots.push(...right.slots);
    if (own.kind === 'inner' && right.kind === 'inner') {
      own.children.push(...right.children);
      own.separators.push(separator as Uint8Array, ...right.separators);
    }
  }
}

/** Every slot in the order of the keys. */
export function* slotsOf(root: SlotTreeRoot): Generator<readonly number[]> {
  if (root.kind === 'leaf') yield root.slots;
  else for (const child of root.children) yield* slotsOf(child);
}

/** The slots whose keys are not below `from`, in the order of the keys. */
export function* slotsAscending(
  root: SlotTreeRoot,
  keys: KeysOfSlots,
  from: Uint8Array,
): Generator<number> {
  if (root.kind === 'leaf') {
    yield* root.slots.slice(placeInLeaf(keys, root.slots, from));
    return;
  }
  const place = placeInInner(root.separators, from);
  yield* slotsAscending(root.children[place] as Node, keys, from);
  for (const child of root.children.slice(place + 1)) {
    for (const slots of slotsOf(child)) yield* slots;
  }
}

/** The slots whose keys are below `before`, or all, from the last key down. */
export function* slotsDescending(
  root: SlotTreeRoot,
  keys: KeysOfSlots,
  before: Uint8Array | null,
): Generator<number> {
  if (root.kind === 'leaf') {
    const end = before === null ? root.slots.length : placeInLeaf(keys, root.slots, before);
    yield* root.slots.slice(0, end).reverse();
    return;
  }
  const { children, separators } = root;
  const place = before === null ? children.length - 1 : placeInInner(separators, before);
  yield* slotsDescending(children[place] as Node, keys, before);
  for (const child of children.slice(0, place).reverse()) yield* slotsDescending(child, keys, null);
}

function sizeOf(node: Node): number {
  return node.kind === 'leaf' ? node.slots.length : node.children.length;
}

/** Where the key is or belongs. */
function placeInLeaf(keys: KeysOfSlots, slots: readonly number[], key: Uint8Array): number {
  let low = 0;
  let high = slots.length;
  // Mostly keys come in rising order or anywhere: one look settles the first case.
  if (high > 0 && keys.compare(key, slots[high - 1] as number) > 0) return high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys.compare(key, slots[middle] as number) > 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The child that may hold the key. */
function placeInInner(separators: readonly Uint8Array[], key: Uint8Array): number {
  let low = 0;
  let high = separators.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareBytes(key, separators[middle] as Uint8Array) >= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const difference = (left[at] as number) - (right[at] as number);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** A copy of the shortest start of `high` that is above `low`. */
function shortestBetween(low: Uint8Array, high: Uint8Array): Uint8Array {
  let length = 0;
  while (length < low.length && low[length] === high[length]) length += 1;
  return Uint8Array.prototype.slice.call(high, 0, length + 1);
}
