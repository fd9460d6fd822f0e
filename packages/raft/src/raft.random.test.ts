import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runChaos } from './testing/chaos.ts';
import { runMemoryChaos } from './testing/memory-chaos.ts';

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

describe('members that acknowledge from memory, under crashes, cuts and late messages', () => {
  test.each([
    ['MemFirst', 3, 40],
    ['MemFirst', 5, 15],
    ['any', 3, 40],
    ['any', 4, 10],
    ['any', 5, 15],
    ['MemFirst', 2, 10],
    ['MemFirst', 1, 10],
  ] as const)('%s, %i voters: lose only what they say is lost', (strategies, voters, runs) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
        runMemoryChaos(seed, voters, strategies);
      }),
      { numRuns: Number(process.env['CHAOS_RUNS'] ?? runs) },
    );
  });

  test('and losses are among what happens', () => {
    let losses = 0;
    for (let seed = 1; seed <= 20; seed++) losses += runMemoryChaos(seed, 3, 'MemFirst');
    expect(losses).toBeGreaterThan(20);
  });
});
