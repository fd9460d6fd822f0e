import { test } from 'vitest';
import { runChaos } from './testing/chaos.ts';
import { FakeCluster } from './testing/fake-cluster.ts';
test('x', () => {
  let captured: FakeCluster | undefined;
  const proto = FakeCluster.prototype.startAll;
  FakeCluster.prototype.startAll = function (this: FakeCluster) { captured = this; proto.call(this); };
  const counts: Record<string, number> = {};
  const voters = Number(process.env['V'] ?? 3);
  for (let seed = Number(process.env['S'] ?? 0); seed < Number(process.env['E'] ?? 300); seed++) {
    try { runChaos(seed, voters, Number(process.env['N'] ?? 1200)); }
    catch (e) {
      const m = (e as Error).message;
      counts[m] = (counts[m] ?? 0) + 1;
      console.log(seed, m, (e as Error).stack?.split('\n').slice(1,4).join('|'));
      if (process.env['D']) for (const n of captured!.nodes) {
        const r = n.raft; if (!r) { console.log(n.id, 'down'); continue; }
        console.log(n.id, n.instance, r.role, 't', r.term, 'ldr', r.leaderId, 'commit', r.commitIndex, 'last', r.lastLogIndex, 'dur', r.durableIndex, r.formationState, JSON.stringify(r.bindings), 'ef', n.disk.everFormed, JSON.stringify(r.progress()));
      }
    }
  }
  console.log(counts);
}, 600000);
