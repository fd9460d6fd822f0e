import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runMembershipChaos } from './testing/membership-chaos.ts';

describe('members that come, go and are replaced, under loss, reordering and crashes', () => {
  test.each([
    [1, 3, 8],
    [3, 2, 12],
    [5, 1, 8],
  ] as const)('%i voters and %i more nodes keep every safety property', (voters, spares, runs) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
        runMembershipChaos(seed, voters, spares, 2000);
      }),
      { numRuns: Number(process.env['CHAOS_RUNS'] ?? runs) },
    );
  });

  test('and every kind of change is among what happens', () => {
    const sum = { changes: 0, joint: 0, removedLeaders: 0, replaced: 0 };
    for (let seed = 1; seed <= 12; seed++) {
      const { changes, joint, removedLeaders, replaced } = runMembershipChaos(seed, 4, 3, 3000);
      sum.changes += changes;
      sum.joint += joint;
      sum.removedLeaders += removedLeaders;
      sum.replaced += replaced;
    }
    expect(sum.changes).toBeGreaterThan(40);
    expect(Math.min(sum.joint, sum.removedLeaders, sum.replaced)).toBeGreaterThan(0);
  });
});
