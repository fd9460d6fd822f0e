import { expect, test } from 'vitest';
import { scaled } from '../../../tools/test-scale.ts';
import { clientOf, others, say, startedCluster } from './support/cluster-kit.ts';
import { CrashRounds } from './support/crash-rounds.ts';
import type { FoundBody } from './support/http-store.ts';
import { bodyOf, errorOf, post, read } from './support/http-store.ts';

const rounds = scaled({ gate: 5, long: 20 });

test('every acknowledged write outlives its leader, round after round', async () => {
  const cluster = await startedCluster();
  const crashes = new CrashRounds(cluster, clientOf(cluster));
  for (let round = 0; round < rounds; round++) {
    await crashes.run({
      victims: 'the leader',
      crash: async (leader) => {
        expect(await cluster.kill(leader)).toMatchObject({ signal: 'SIGKILL' });
      },
      revive: () => undefined,
    });
  }
  await crashes.expectEqualCopies();
  say(`elections after SIGKILL of the leader, ms: ${crashes.electionsMs.join(', ')}`);
});

test('HTTP callers of a follower wait out an election, or are told the truth', async () => {
  const cluster = await startedCluster();
  const leader = (await cluster.waitUntilSettled()).node_id;
  const [follower] = others(cluster, leader);
  const address = cluster.address(follower);
  expect((await post(address, '/put', { key: 'http', value: '0' })).status).toBe(200);
  await cluster.kill(leader);
  const statuses: number[] = [];
  for (let value = 1; statuses.at(-1) !== 200; value++) {
    const answer = await post(address, '/put', { key: 'http', value: String(value) });
    statuses.push(answer.status);
    if (answer.status === 200) continue;
    expect([503, 504]).toContain(answer.status);
    expect(errorOf(answer).may_have_been_applied).toBe(answer.status === 504);
    expect(value, `still no leader: ${answer.text}`).toBeLessThan(20);
  }
  say(`HTTP writes on a follower after the death of its leader: ${statuses.join(', ')}`);
  const found = bodyOf<FoundBody>(await read(address, 'http', 'linearizable'));
  expect(found.value).toBe(String(statuses.length));
});
