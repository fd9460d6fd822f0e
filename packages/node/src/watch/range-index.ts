import { must } from '@d-engine/base';

interface Range<Member> {
  readonly start: Uint8Array;
  /** Null: to the last key. */
  readonly end: Uint8Array | null;
  readonly members: Set<Member>;
  /** The largest end at or below this place of the tree. */
  lastEnd: Uint8Array | null;
  /** Above those of the children. */
  readonly priority: number;
  left: Range<Member> | undefined;
  right: Range<Member> | undefined;
}

type Tree<Member> = Range<Member> | undefined;

/**
 * Ranges of keys and who is after each, found by a key that lies in them: a treap ordered by start
 * and end, each node with the largest end below it. A look-up costs the logarithm of the number of
 * ranges, and what it finds.
 */
export class RangeIndex<Member> {
  #root: Tree<Member>;
  #size = 0;
  #seed = 1;

  /** How many different ranges there are. */
  get size(): number {
    return this.#size;
  }

  add(start: Uint8Array, end: Uint8Array | null, member: Member): void {
    const known = this.#find(start, end);
    if (known !== undefined) {
      known.members.add(member);
      return;
    }
    const node: Range<Member> = {
      start,
      end,
      members: new Set([member]),
      lastEnd: end,
      priority: this.#nextPriority(),
      left: undefined,
      right: undefined,
    };
    this.#root = insert(this.#root, node);
    this.#size += 1;
  }

  remove(start: Uint8Array, end: Uint8Array | null, member: Member): void {
    const known = this.#find(start, end);
    if (known === undefined) return;
    known.members.delete(member);
    if (known.members.size > 0) return;
    this.#root = remove(this.#root, known);
    this.#size -= 1;
  }

  /** Calls back for each member whose range holds the key. The index must not change meanwhile. */
  visit(key: Uint8Array, callback: (member: Member) => void): void {
    visit(this.#root, key, callback);
  }

  #find(start: Uint8Array, end: Uint8Array | null): Tree<Member> {
    let node = this.#root;
    while (node !== undefined) {
      const order = compareRanges({ start, end }, node);
      if (order === 0) return node;
      node = order < 0 ? node.left : node.right;
    }
    return undefined;
  }

  /** A generator of its own keeps the tree's shape a matter of its history alone. */
  #nextPriority(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#seed;
  }
}

type Bounds = Pick<Range<never>, 'start' | 'end'>;

function compareRanges(left: Bounds, right: Bounds): number {
  return Buffer.compare(left.start, right.start) || compareEnds(left.end, right.end);
}

function compareEnds(left: Uint8Array | null, right: Uint8Array | null): number {
  if (left === null || right === null) return Number(left === null) - Number(right === null);
  return Buffer.compare(left, right);
}

function visit<Member>(
  node: Tree<Member>,
  key: Uint8Array,
  callback: (member: Member) => void,
): void {
  if (node === undefined || !isBelow(key, node.lastEnd)) return;
  visit(node.left, key, callback);
  if (Buffer.compare(key, node.start) < 0) return;
  if (isBelow(key, node.end)) for (const member of node.members) callback(member);
  visit(node.right, key, callback);
}

function isBelow(key: Uint8Array, end: Uint8Array | null): boolean {
  return end === null || Buffer.compare(key, end) < 0;
}

function insert<Member>(tree: Tree<Member>, node: Range<Member>): Range<Member> {
  if (tree === undefined) return node;
  if (node.priority > tree.priority) {
    [node.left, node.right] = split(tree, node);
    return measured(node);
  }
  if (compareRanges(node, tree) < 0) tree.left = insert(tree.left, node);
  else tree.right = insert(tree.right, node);
  return measured(tree);
}

function split<Member>(tree: Tree<Member>, at: Bounds): [Tree<Member>, Tree<Member>] {
  if (tree === undefined) return [undefined, undefined];
  if (compareRanges(tree, at) < 0) {
    const [low, high] = split(tree.right, at);
    tree.right = low;
    return [measured(tree), high];
  }
  const [low, high] = split(tree.left, at);
  tree.left = high;
  return [low, measured(tree)];
}

function remove<Member>(tree: Tree<Member>, node: Range<Member>): Tree<Member> {
  const place = must(tree, 'a range that is not in its tree');
  if (place === node) return merge(node.left, node.right);
  if (compareRanges(node, place) < 0) place.left = remove(place.left, node);
  else place.right = remove(place.right, node);
  return measured(place);
}

function merge<Member>(low: Tree<Member>, high: Tree<Member>): Tree<Member> {
  if (low === undefined) return high;
  if (high === undefined) return low;
  if (low.priority > high.priority) {
    low.right = merge(low.right, high);
    return measured(low);
  }
  high.left = merge(low, high.left);
  return measured(high);
}

function measured<Member>(node: Range<Member>): Range<Member> {
  let last = node.end;
  for (const child of [node.left, node.right]) {
    if (child !== undefined && compareEnds(child.lastEnd, last) > 0) last = child.lastEnd;
  }
  node.lastEnd = last;
  return node;
}
