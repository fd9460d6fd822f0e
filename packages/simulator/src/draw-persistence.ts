import type { PersistenceStrategy } from '@d-engine/base';
import type { NodeSettings } from '@d-engine/node';
import { SeededRandom } from '@d-engine/virtual-env';

/** `mixed`: each start of each member draws its own, as while operators change it. */
export const strategies = ['DiskFirst', 'MemFirst', 'mixed'] as const;
export type Strategies = (typeof strategies)[number];

/** What a write waits for, and what is written when. */
export interface Persistence {
  readonly strategies: Strategies;
  readonly flushPolicy: NodeSettings['flushPolicy'];
  readonly bufferedEntriesMax: number;
}

const manyEntries = 10_000;

const policies: readonly NodeSettings['flushPolicy'][] = [
  { kind: 'immediate' },
  { kind: 'batch', threshold: 10, intervalMs: 100 },
  // What users get who choose MemFirst and no policy.
  { kind: 'batch', threshold: 1_024, intervalMs: 100 },
  // An idle flush alone: whatever is acknowledged in two seconds is in memory only.
  { kind: 'batch', threshold: manyEntries, intervalMs: 2_000 },
];

/**
 * One run in four acknowledges from memory, on some of its members at least. The draws are apart
 * from all others: a seed for which DiskFirst is drawn plays what it played before.
 */
export function drawPersistence(seed: number, told?: Strategies): Persistence {
  const random = new SeededRandom(seed).fork('group sync');
  const isMemFirst = random.chance(0.25);
  const drawn: Strategies = isMemFirst
    ? random.pick(['MemFirst', 'MemFirst', 'mixed'])
    : 'DiskFirst';
  const flushPolicy = random.pick(policies);
  const bufferedEntriesMax = random.pick([10, manyEntries, manyEntries]);
  if ((told ?? drawn) !== 'DiskFirst') {
    return { strategies: told ?? drawn, flushPolicy, bufferedEntriesMax };
  }
  return {
    strategies: 'DiskFirst',
    flushPolicy: { kind: 'immediate' },
    bufferedEntriesMax: manyEntries,
  };
}

/** Of this start of the member: the first has the number 1. */
export function strategyOf(
  { strategies: drawn }: Persistence,
  { seed, id, start }: { seed: number; id: number; start: number },
): PersistenceStrategy {
  if (drawn !== 'mixed') return drawn;
  const random = new SeededRandom(seed).fork(`strategy of start ${start} of member ${id}`);
  return random.chance(0.7) ? 'MemFirst' : 'DiskFirst';
}
