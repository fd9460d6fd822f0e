/**
 * Memory in which a turn's output is gathered. Connections borrow it from the first frame until
 * they flush, so that thousands of idle ones hold none. What is in it is written, copied out or
 * given away with the block before another connection gets it.
 */
export const smallBlockBytes = 4_096;
export const largeBlockBytes = 65_536;
/** As many as connections answer in one turn; more are made and dropped again. */
const smallBlocksMax = 512;
const largeBlocksMax = 16;

const smallBlocks: Buffer[] = [];
const largeBlocks: Buffer[] = [];

export function takeSmallBlock(): Buffer {
  return smallBlocks.pop() ?? Buffer.allocUnsafeSlow(smallBlockBytes);
}

export function takeLargeBlock(): Buffer {
  return largeBlocks.pop() ?? Buffer.allocUnsafeSlow(largeBlockBytes);
}

export function giveBack(block: Buffer): void {
  if (block.length === smallBlockBytes) {
    if (smallBlocks.length < smallBlocksMax) smallBlocks.push(block);
  } else if (block.length === largeBlockBytes && largeBlocks.length < largeBlocksMax) {
    largeBlocks.push(block);
  }
}

/** What leaves is copied to memory of its own, which is set aside for several writes at a time. */
const sliceBytesMax = 8_192;
const slabBytes = 65_536;

let slab: Buffer = Buffer.alloc(0);
let slabUsed = 0;

/** A copy of the beginning of a block, for a stream to keep until it is sent. */
export function copyOf(block: Buffer, length: number): Buffer {
  if (length > sliceBytesMax) return copyInto(Buffer.allocUnsafeSlow(length), block, length);
  if (slabUsed + length > slab.length) {
    slab = Buffer.allocUnsafeSlow(slabBytes);
    slabUsed = 0;
  }
  const slice = slab.subarray(slabUsed, slabUsed + length);
  // Whole words, which are copied faster.
  slabUsed += (length + 7) & ~7;
  return copyInto(slice, block, length);
}

function copyInto(target: Buffer, block: Buffer, length: number): Buffer {
  block.copy(target, 0, 0, length);
  return target;
}
