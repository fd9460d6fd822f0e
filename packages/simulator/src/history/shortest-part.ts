import type { Authors, Part } from './authors.ts';
import { writeAlone } from './authors.ts';
import { checkKey } from './linearizability.ts';
import type { Operation } from './operation.ts';

/** A fraction of a second: mostly enough for all parts of three operations out of a thousand. */
const partsMax = 4_000;
const stepsMaxPerPart = 1_000;

/** One operation with as much of it as counts. */
interface Piece {
  readonly operation: Operation;
  readonly counts: Operation;
}

/** The places of some pieces among all, in order. */
type Places = readonly number[];

/**
 * The shortest part that has no order, and whose answers rest on no write that is left out. It
 * holds the first answer that nothing explains: without that there is an order. All parts are
 * tried, the shorter ones first. Undefined: more than `partsMax` would have to be.
 */
export function shortestPart(
  whole: readonly Operation[],
  failedAt: Operation,
  authors: Authors,
): readonly Operation[] | undefined {
  const pieces = whole.flatMap(piecesOf);
  const all = [...pieces.keys()];
  const first = all.filter((place) => (pieces[place] as Piece).counts === failedAt);
  let layer: readonly Places[] = [first];
  let partsLeft = partsMax;
  while (layer.length > 0) {
    const longer = new Map<string, Places>();
    for (const places of layer) {
      if (partsLeft <= 0) return undefined;
      partsLeft -= 1;
      const chosen = places.map((place) => pieces[place] as Piece);
      const part = new Map(chosen.map(({ operation, counts }) => [operation, counts]));
      const lacking = authors.lackingIn(part);
      if (lacking === undefined && offends(part)) return [...part.keys()];
      for (const place of all) {
        const { operation } = pieces[place] as Piece;
        if (part.has(operation) || lacking?.includes(operation) === false) continue;
        if (longer.size > partsLeft) break;
        const next = [...places, place].sort((one, other) => one - other);
        longer.set(next.join(' '), next);
      }
    }
    layer = [...longer.values()];
  }
  return undefined;
}

function piecesOf(operation: Operation): Piece[] {
  const alone = writeAlone(operation);
  const full = { operation, counts: operation };
  return alone === undefined ? [full] : [{ operation, counts: alone }, full];
}

function offends(part: Part): boolean {
  return checkKey([...part.values()], stepsMaxPerPart).type === 'notLinearizable';
}
