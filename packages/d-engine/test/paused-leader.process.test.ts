import type { ConnectedClient } from 'd-engine/client';
import { DEngineError } from 'd-engine/client';
import { expect, test } from 'vitest';
import { scaled } from '../../../tools/test-scale.ts';
import { clientOf, others, startedCluster } from './support/cluster-kit.ts';
import type { FoundBody } from './support/http-store.ts';
import { bodyOf, post, read } from './support/http-store.ts';

const rounds = scaled({ gate: 3, long: 20 });

/** A lease read on a connection that stands already; undefined when it is refused. */
async function valueOrNothing(client: ConnectedClient): Promise<string | undefined> {
  try {
    const entry = await client.get('register', { consistency: 'lease', deadlineMs: 12_000 });
    return Buffer.from(entry?.value ?? []).toString();
  } catch (error) {
    expect(error).toBeInstanceOf(DEngineError);
    return undefined;
  }
}

test('a leader that was paused answers nothing from before its pause', async () => {
  const cluster = await startedCluster();
  for (let round = 1; round <= rounds; round++) {
    const before = await cluster.waitUntilSettled();
    const paused = before.node_id;
    const awake = others(cluster, paused);
    await clientOf(cluster).put('register', `old ${round}`);
    const connected = clientOf(cluster, paused);
    await connected.get('register', { consistency: 'lease' });
    cluster.process(paused).signal('SIGSTOP');
    // These lie in its sockets until it wakes up, still believing that it leads.
    const early = Promise.all([
      valueOrNothing(connected),
      read(cluster.address(paused), 'register', 'lease'),
      read(cluster.address(paused), 'register', 'linearizable'),
      post(cluster.address(paused), '/put', { key: 'late', value: `${round}` }),
    ]);
    const next = await cluster.waitFor('another leader', 20_000, async () => {
      const statuses = await Promise.all(awake.map((id) => cluster.status(id)));
      return statuses.find((status) => status?.role === 'leader');
    });
    expect(next.term).toBeGreaterThan(before.term);
    const key = { key: 'register', value: `new ${round}` };
    expect((await post(cluster.address(next.node_id), '/put', key)).status).toBe(200);
    cluster.process(paused).signal('SIGCONT');

    const [connectedLease, lease, linearizable, put] = await early;
    if (connectedLease !== undefined) expect(connectedLease).toBe(`new ${round}`);
    for (const answer of [lease, linearizable]) {
      if (answer.status === 200) expect(bodyOf<FoundBody>(answer).value).toBe(`new ${round}`);
      else expect([503, 504]).toContain(answer.status);
    }
    // The write may go through by way of the new leader; acknowledged and lost it may not be.
    const late = await clientOf(cluster).get('late', { consistency: 'linearizable' });
    const found = late === null ? null : Buffer.from(late.value).toString();
    if (put.status === 200) expect(found).toBe(`${round}`);
    else expect([503, 504]).toContain(put.status);
    const settled = await cluster.waitUntilSettled();
    expect(settled.term).toBeGreaterThanOrEqual(next.term);
    expect(cluster.readLog(paused)).toMatch(/ WARN stepped down node=\d /);
  }
});
