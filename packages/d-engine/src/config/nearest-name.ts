import { must } from '@d-engine/base';

/** Single-letter edits, a swap of neighbours counting as one, that turn `left` into `right`. */
export function editDistance(left: string, right: string): number {
  const rows: number[][] = [Array.from({ length: right.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= left.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const substitution = left[i - 1] === right[j - 1] ? 0 : 1;
      let distance = Math.min(
        cell(rows, i - 1, j) + 1,
        must(row[j - 1], 'cell') + 1,
        cell(rows, i - 1, j - 1) + substitution,
      );
      const swapped = left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1];
      if (i > 1 && j > 1 && swapped) distance = Math.min(distance, cell(rows, i - 2, j - 2) + 1);
      row.push(distance);
    }
    rows.push(row);
  }
  return cell(rows, left.length, right.length);
}

function cell(rows: readonly (readonly number[])[], i: number, j: number): number {
  return must(rows[i]?.[j], 'cell');
}

/** Longer than any key: not worth comparing, and the comparison is quadratic. */
const nameLengthMax = 100;

/** The candidate that `name` was probably meant to be; undefined when none is near. */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > nameLengthMax) return undefined;
  // A third of the letters, two at least: more than that is another word.
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  let best: string | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate);
    // A short name can be rewritten into any other.
    if (distance >= bestDistance || distance >= candidate.length) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}
