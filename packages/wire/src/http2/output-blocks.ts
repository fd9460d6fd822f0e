/**
 * Memory in which a turn's output is gathered. Connections borrow it from the first frame until
 * they flush, so that thousands of idle ones hold none. What is in it is copied out or given away
 * with the block, never seen by another connection.
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
