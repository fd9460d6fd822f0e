import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runChaos } from './testing/chaos.ts';

describe('three members under loss, duplication, reordering and crashes', () => {
  test('keep every safety property, and serve again once it is over', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
        runChaos(seed, 3, 1200);
      }),
      { numRuns: Number(process.env['CHAOS_RUNS'] ?? 40) },
    );
  });

  test('the same with five voters and a learner', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
        runChaos(seed, 5, 1200);
      }),
      { numRuns: Number(process.env['CHAOS_RUNS'] ?? 15) },
    );
  });

  test('and snapshots are among what happens', () => {
    let installs = 0;
    for (let seed = 1; seed <= 20; seed++) installs += runChaos(seed, 3, 1200);
    expect(installs).toBeGreaterThan(4);
  });
});
