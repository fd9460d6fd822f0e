import { expect, test } from 'vitest';
import { scaled } from '../../../tools/test-scale.ts';
import { clientOf, say, startedCluster } from './support/cluster-kit.ts';
import { CrashRounds } from './support/crash-rounds.ts';

const rounds = scaled({ gate: 5, long: 20 });

test('every acknowledged write outlives its leader, round after round', async () => {
  const cluster = await startedCluster();
  const crashes = new CrashRounds(cluster, clientOf(cluster));
  for (let round = 0; round < rounds; round++) {
    await crashes.run({
      crash: async (leader) => {
        expect(await cluster.kill(leader)).toMatchObject({ signal: 'SIGKILL' });
      },
      revive: () => undefined,
    });
  }
  await crashes.expectEqualCopies();
  say(`elections after SIGKILL of the leader, ms: ${crashes.electionsMs.join(', ')}`);
});
