import type { Link } from './link.ts';

/**
 * Of one write: each piece is an event, and the heads of a frame and of a message in it take less
 * than these together.
 */
const singleBytesMax = 24;
const cutsMax = 6;

/**
 * Cuts `length` bytes into pieces as TCP may, hardly ever as a test would think of. Returns their
 * sizes, in order.
 */
export function drawPieces(link: Link, length: number, splitProbability: number): number[] {
  if (length < 2 || !link.chance(splitProbability)) return [length];
  switch (link.integer(3)) {
    case 0:
      return cutOnce(link, length);
    case 1:
      return cutSeveralTimes(link, length);
    default:
      return cutToBytes(link, length);
  }
}

function cutOnce(link: Link, length: number): number[] {
  const first = 1 + link.integer(length - 1);
  return [first, length - first];
}

function cutSeveralTimes(link: Link, length: number): number[] {
  const pieces: number[] = [];
  let left = length;
  for (let cut = 0; cut < cutsMax && left > 1; cut++) {
    const piece = 1 + link.integer(left - 1);
    pieces.push(piece);
    left -= piece;
  }
  pieces.push(left);
  return pieces;
}

/** Single bytes from somewhere on; what is before and after stays whole. */
function cutToBytes(link: Link, length: number): number[] {
  const singles = Math.min(length, singleBytesMax);
  const before = link.integer(length - singles + 1);
  const after = length - singles - before;
  const pieces: number[] = before === 0 ? [] : [before];
  for (let count = 0; count < singles; count++) pieces.push(1);
  if (after > 0) pieces.push(after);
  return pieces;
}
