import { test, expect } from 'vitest';
import { VirtualWorld } from '@d-engine/virtual-env';
import { Node } from '@d-engine/node';
import { silentMetrics } from '@d-engine/base';
const members = [1,2,3].map((id) => ({ id, address: `n${id}:9000`, role: 'voter' as const, promotable: false }));
const settings = (id: number) => ({
  nodeId: id, initialMembers: members, listenAddress: `n${id}:9000`, advertiseAddress: undefined, dataDirectory: '/data',
  electionTimeoutMinMs: 1000, electionTimeoutMaxMs: 2000, heartbeatIntervalMs: 100, leaseDurationMs: 500, appendEntriesMax: 100,
  proposalBatchMax: 100, serverDeadlineMs: 5000, pendingWritesMax: 10000, pendingReadsMax: 50000, defaultConsistency: 'linearizable' as const,
  allowConsistencyOverride: true, keyBytesMax: 65536, valueBytesMax: 1e6, version: '0' });
const logger = (id: number) => { const p = (l: string) => (m: string, f?: object) => console.log(`n${id} ${l} ${m}`, f ? JSON.stringify(f) : ''); return { enabled: () => true, trace: p('T'), debug: p('D'), info: p('I'), warn: p('W'), error: p('E'), always: p('A') }; };
test('smoke', async () => {
  const world = new VirtualWorld({ seed: 1 });
  const nodes: Node[] = [];
  for (const id of [1,2,3]) {
    const env = world.host(`n${id}`).env;
    void Node.start({ env, settings: settings(id), logger: logger(id), metrics: silentMetrics }).then((n) => nodes.push(n), (e) => console.log('start failed', e));
  }
  await world.run({ forMs: 8000 });
  console.log(world.nowMs, world.eventCount, nodes.map((n) => JSON.stringify(n.status())));
  const n = nodes.find((x) => x.isLeader)!;
  const f = nodes.find((x) => !x.isLeader)!;
  console.log(await world.complete(n.client.put('a', '1')));
  console.log(await world.complete(f.client.put('a', '2')));
  console.log(await world.complete(f.client.get('a')));
  console.log(await world.complete(n.client.get('a', { consistency: 'lease' })));
  const t0 = performance.now(); const e0 = world.eventCount;
  await world.run({ forMs: 60000 });
  console.log('60s idle:', performance.now() - t0, 'ms', world.eventCount - e0, 'events');
  console.log(nodes.map((x) => x.stateHash()));
}, 60000);
