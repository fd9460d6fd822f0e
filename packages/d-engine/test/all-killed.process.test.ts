import { expect, test } from 'vitest';
import { scaled } from '../../../tools/test-scale.ts';
import { clientOf, say, startedCluster } from './support/cluster-kit.ts';
import { CrashRounds } from './support/crash-rounds.ts';

const rounds = scaled({ gate: 2, long: 10 });

test('every acknowledged write outlives the death of all three at once', async () => {
  const cluster = await startedCluster();
  const crashes = new CrashRounds(cluster, clientOf(cluster));
  for (let round = 0; round < rounds; round++) {
    await crashes.run({
      victims: 'all three',
      crash: async () => {
        await cluster.killAll();
        expect(cluster.runningIds()).toEqual([]);
      },
      revive: () => cluster.startAll(),
    });
  }
  await crashes.expectEqualCopies();
  say(`SIGKILL of all three to a leader, ms: ${crashes.electionsMs.join(', ')}`);
});
