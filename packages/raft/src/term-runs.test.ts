import { InvariantViolation } from '@d-engine/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TermRuns } from './term-runs.ts';

/** Terms of indexes 1, 2, ...; they never fall. */
const termLists = fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 40 }).map((steps) => {
  let term = 1;
  return steps.map((step) => {
    term += step === 2 ? 3 : step;
    return term;
  });
});

function runsOf(terms: readonly number[]): TermRuns {
  const runs = new TermRuns();
  for (const [position, term] of terms.entries()) runs.append(position + 1, term);
  return runs;
}

describe('TermRuns', () => {
  test('knows the term of every index, as a plain list does', () => {
    fc.assert(
      fc.property(termLists, (terms) => {
        const runs = runsOf(terms);
        expect(runs.termAt(0)).toBeUndefined();
        for (const [position, term] of terms.entries()) {
          expect(runs.termAt(position + 1)).toBe(term);
        }
      }),
    );
  });

  test('finds the last index of a term that is not larger', () => {
    fc.assert(
      fc.property(termLists, fc.nat({ max: 40 }), fc.nat({ max: 60 }), (terms, from, term) => {
        const index = Math.min(from, terms.length);
        let expected = index;
        while (expected > 0 && (terms[expected - 1] as number) > term) expected -= 1;
        expect(runsOf(terms).lastAtOrBelow(index, term)).toBe(expected);
      }),
    );
  });

  test('forgets what is truncated and goes on from there', () => {
    fc.assert(
      fc.property(termLists, fc.integer({ min: 1, max: 40 }), (terms, from) => {
        const kept = terms.slice(0, from - 1);
        const runs = runsOf(terms);
        runs.truncateFrom(from);
        runs.append(kept.length + 1, 1000);
        for (const [position, term] of kept.entries()) {
          expect(runs.termAt(position + 1)).toBe(term);
        }
        expect(runs.termAt(kept.length + 1)).toBe(1000);
      }),
    );
  });

  test('refuses a term that falls', () => {
    expect(() => runsOf([2, 1])).toThrow(InvariantViolation);
  });

  test('forgets what is below an index, and answers from there on as before', () => {
    fc.assert(
      fc.property(termLists, fc.nat({ max: 40 }), (terms, from) => {
        const runs = runsOf(terms);
        const first = Math.min(Math.max(1, from), terms.length);
        runs.compact(first);
        for (let index = first; index <= terms.length; index++) {
          expect(runs.termAt(index)).toBe(terms[index - 1]);
        }
        expect(runs.lastAtOrBelow(terms.length, 0)).toBeLessThanOrEqual(first);
      }),
    );
  });
});
