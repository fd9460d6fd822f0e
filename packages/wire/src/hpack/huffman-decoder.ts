import { HpackError } from './header-list.ts';
import { codeLengths, codes, endOfString } from './huffman-code.ts';

// The decoder is a machine whose states are the 256 inner nodes of the code's tree; a step takes
// four bits. No code is shorter than five bits, so a step ends at most one symbol.
//
// A step is one number: the next state in its lowest byte, the symbol that ended in the next one,
// and flags above.
const endsSymbol = 1 << 16;
const isForbidden = 1 << 17;

const rootState = 0;
const stateCount = 256;
const steps = new Int32Array(stateCount * 16);
/** 1 where a string may end: at a symbol's end, or in up to seven bits of padding. */
const mayEnd = new Uint8Array(stateCount);

/** By state and bit: the next state, or the symbol that ends there as `~symbol`. */
function buildTree(): Int16Array {
  const tree = new Int16Array(stateCount * 2);
  let lastState = rootState;
  codes.forEach((code, symbol) => {
    let state = rootState;
    for (let bit = (codeLengths[symbol] as number) - 1; bit > 0; bit--) {
      const branch = state * 2 + ((code >>> bit) & 1);
      // The root has no way in: 0 is a branch that nothing was put on yet.
      if (tree[branch] === rootState) tree[branch] = ++lastState;
      state = tree[branch] as number;
    }
    tree[state * 2 + (code & 1)] = ~symbol;
  });
  return tree;
}

function stepOf(tree: Int16Array, from: number, nibble: number): number {
  let state = from;
  let flags = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = tree[state * 2 + ((nibble >>> bit) & 1)] as number;
    if (next === ~endOfString) return isForbidden;
    if (next < 0) flags = endsSymbol | (~next << 8);
    state = next < 0 ? rootState : next;
  }
  return flags | state;
}

function buildMachine(): void {
  const tree = buildTree();
  for (let state = 0; state < stateCount; state++) {
    for (let nibble = 0; nibble < 16; nibble++) {
      steps[state * 16 + nibble] = stepOf(tree, state, nibble);
    }
  }
  // Padding is the beginning of the end-of-string symbol, which is all ones (RFC 7541, 5.2).
  for (let state = rootState, bits = 0; bits < 8; bits++) {
    mayEnd[state] = 1;
    state = tree[state * 2 + 1] as number;
  }
}

buildMachine();

/** Symbols that `bytes` of Huffman code can hold at most: none is shorter than five bits. */
export function decodedBytesMax(bytes: number): number {
  return Math.floor((bytes * 8) / 5);
}

/** Decodes `source` from `start` to `end` to the beginning of `target`; says how many bytes. */
export function decodeHuffman(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
): number {
  let state = rootState;
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = source[at] as number;
    const high = steps[(state << 4) | (byte >>> 4)] as number;
    if (high >= endsSymbol) {
      if (high >= isForbidden) throw new HpackError('a string holds the end-of-string symbol');
      target[length++] = (high >>> 8) & 255;
    }
    const low = steps[((high & 255) << 4) | (byte & 15)] as number;
    if (low >= endsSymbol) {
      if (low >= isForbidden) throw new HpackError('a string holds the end-of-string symbol');
      target[length++] = (low >>> 8) & 255;
    }
    state = low & 255;
  }
  if (mayEnd[state] !== 1) throw new HpackError('a string is not padded with ones to a byte');
  return length;
}
