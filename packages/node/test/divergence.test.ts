import type { LogFields, NodeId } from '@d-engine/base';
import { silentLogger, silentMetrics } from '@d-engine/base';
import { VirtualWorld } from '@d-engine/virtual-env';
import { expect, test } from 'vitest';
import { Node } from '../src/index.ts';
import { ids, settingsOf } from './three-nodes.ts';

/** Members that compare their states each second, and can be made to tell of another one. */
class Cluster {
  readonly world: VirtualWorld;
  readonly nodes = new Map<NodeId, Node>();
  readonly lines: { readonly id: NodeId; readonly message: string; readonly fields: LogFields }[] =
    [];
  readonly #odd = new Map<NodeId, string>();

  constructor(seed: number) {
    this.world = new VirtualWorld({ seed });
  }

  async start(id: NodeId, members: readonly NodeId[] = ids): Promise<void> {
    const note = (message: string, fields: LogFields = {}): void => {
      this.lines.push({ id, message, fields });
    };
    const node = await this.world.complete(
      Node.start({
        env: this.world.host(`n${id}`).env,
        settings: settingsOf(id, members, { stateVerificationIntervalMs: 1_000 }),
        logger: { ...silentLogger, warn: note, error: note },
        metrics: silentMetrics,
        onEntryApplied: (state) => {
          const honest = Object.getPrototypeOf(state) as typeof state;
          const stateHash = (): string => this.#odd.get(id) ?? honest.stateHash.call(state);
          Object.defineProperty(state, 'stateHash', { value: stateHash, configurable: true });
        },
      }),
    );
    this.nodes.set(id, node);
  }

  /** From now on the state of this member is another one; undefined: what it is. */
  makeOdd(id: NodeId, hash: string | undefined): void {
    if (hash === undefined) this.#odd.delete(id);
    else this.#odd.set(id, hash);
  }

  async stop(id: NodeId): Promise<void> {
    const node = this.nodes.get(id) as Node;
    this.nodes.delete(id);
    await this.world.complete(node.stop());
  }

  get leader(): Node | undefined {
    return [...this.nodes.values()].find((node) => node.isLeader);
  }

  async untilLed(): Promise<Node> {
    const isLed = (): boolean => this.leader !== undefined;
    expect(await this.world.run({ until: isLed, limitMs: 30_000 })).toBe(true);
    return this.leader as Node;
  }

  async write(key: string): Promise<void> {
    const leader = await this.untilLed();
    await this.world.complete(leader.client.put(key, 'v'));
  }

  conditions(): string[] {
    return [...this.nodes.values()].map((node) => node.status().condition);
  }
}

async function startCluster(seed: number, members: readonly NodeId[] = ids): Promise<Cluster> {
  const cluster = new Cluster(seed);
  for (const id of members) await cluster.start(id, members);
  await cluster.untilLed();
  await cluster.write('first');
  return cluster;
}

const oneRoundMs = 3_000;

test('members that agree go on, and a quiet cluster compares nothing twice', async () => {
  const cluster = await startCluster(1);
  await cluster.world.run({ forMs: oneRoundMs });
  const before = cluster.leader?.commitIndex;
  await cluster.world.run({ forMs: 10_000 });
  expect(cluster.leader?.commitIndex).toBe(before);
  expect(cluster.conditions()).toEqual(['normal', 'normal', 'normal']);
});

test('a follower that differs stops serving, and the others go on', async () => {
  const cluster = await startCluster(2);
  const leader = cluster.leader as Node;
  const odd = [...cluster.nodes.values()].find((node) => node !== leader) as Node;
  const { nodeId } = odd.settings;
  cluster.makeOdd(nodeId, '0000000000000000');
  await cluster.write('second');
  await cluster.world.run({ forMs: oneRoundMs });
  const status = odd.status();
  expect(status.condition).toBe('diverged');
  expect(status.conditionReason).toContain('replace');
  const read = odd.client.get('first', { consistency: 'eventual' });
  await expect(cluster.world.complete(read)).rejects.toMatchObject({
    name: 'StateDiverged',
    mayHaveBeenApplied: false,
  });
  await expect(cluster.world.complete(odd.client.put('k', 'v'))).rejects.toMatchObject({
    name: 'StateDiverged',
  });
  expect(odd.health().ready['member']?.ok).toBe(false);
  expect(cluster.lines.filter(({ message }) => message.includes('stops serving'))).toMatchObject([
    { id: nodeId, fields: { own: '0000000000000000' } },
  ]);
  await cluster.write('third');
  expect(leader.isLeader).toBe(true);
});

test('a leader that differs steps down for good, and the others elect another', async () => {
  const cluster = await startCluster(3);
  const odd = cluster.leader as Node;
  cluster.makeOdd(odd.settings.nodeId, '0000000000000000');
  await cluster.write('second');
  const another = (): boolean => cluster.leader !== undefined && cluster.leader !== odd;
  expect(await cluster.world.run({ until: another, limitMs: 10_000 })).toBe(true);
  expect(odd.status().condition).toBe('diverged');
  await cluster.write('third');
  // Its log still counts: with one of the others away, the two that are left make a quorum.
  const third = [...cluster.nodes.values()].find((node) => node !== odd && !node.isLeader) as Node;
  await cluster.stop(third.settings.nodeId);
  await cluster.write('fourth');
  expect(odd.isLeader).toBe(false);
});

test('with no quorum that agrees, all stop and say so', async () => {
  const cluster = await startCluster(4);
  cluster.makeOdd(1, '1111111111111111');
  cluster.makeOdd(2, '2222222222222222');
  await cluster.write('second');
  await cluster.world.run({ forMs: 10_000 });
  expect(cluster.conditions()).toEqual(['diverged', 'diverged', 'diverged']);
  expect(cluster.leader).toBeUndefined();
  const told = cluster.lines.filter(({ message }) => message.includes('stops serving'));
  expect(told.map(({ fields }) => fields['quorum'])).toEqual(Array(3).fill('none agrees'));
});

test('a member that differed is trusted again only once a verify entry agrees', async () => {
  const cluster = await startCluster(5);
  const leader = cluster.leader as Node;
  const odd = ids.find((id) => id !== leader.settings.nodeId) as NodeId;
  cluster.makeOdd(odd, '0000000000000000');
  await cluster.write('second');
  await cluster.world.run({ forMs: oneRoundMs });
  await cluster.stop(odd);
  cluster.makeOdd(odd, undefined);
  await cluster.start(odd);
  const node = cluster.nodes.get(odd) as Node;
  expect(node.status().condition).toBe('diverged');
  // Nobody writes: the leader looks again because this one differed.
  const agrees = (): boolean => node.status().condition === 'normal';
  expect(await cluster.world.run({ until: agrees, limitMs: 10_000 })).toBe(true);
  await cluster.stop(odd);
  await cluster.start(odd);
  expect(cluster.nodes.get(odd)?.status().condition).toBe('normal');
});

test('a single member compares with nobody and writes no entry for it', async () => {
  const cluster = await startCluster(6, [1]);
  const before = cluster.leader?.commitIndex;
  await cluster.world.run({ forMs: 10_000 });
  expect(cluster.leader?.commitIndex).toBe(before);
});
