import type { NodeId } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import { VirtualWorld } from '@d-engine/virtual-env';
import type { JoinRequest } from '@d-engine/wire';
import { decodeJoinResponse, encodeJoinRequest, methods, toDEngineError } from '@d-engine/wire';
import { describe, expect, test } from 'vitest';
import type { Node, NodeSettings } from '../src/index.ts';
import { settingsOf, startNode } from './three-nodes.ts';

/** A cluster that nodes come to one by one. */
class Growing {
  readonly world: VirtualWorld;
  readonly nodes = new Map<NodeId, Node>();
  #writes = 0;

  constructor(seed: number) {
    this.world = new VirtualWorld({ seed });
  }

  async start(id: NodeId, settings: NodeSettings): Promise<Node> {
    const node = await startNode(this.world, settings);
    this.nodes.set(id, node);
    return node;
  }

  /** A node whose file names these voters and itself as a learner. */
  join(id: NodeId, voters: readonly NodeId[], promotable = true): Promise<Node> {
    const { initialMembers, ...rest } = settingsOf(id, voters);
    const self = { id, address: `n${id}:9000`, role: 'learner' as const, promotable };
    return this.start(id, { ...rest, initialMembers: [...initialMembers, self] });
  }

  get leader(): Node | undefined {
    return [...this.nodes.values()].find((node) => node.isLeader);
  }

  async until(what: string, isSo: () => boolean, limitMs = 20_000): Promise<void> {
    if (!(await this.world.run({ until: isSo, limitMs }))) throw new Error(`never: ${what}`);
  }

  async votersAre(ids: readonly NodeId[]): Promise<void> {
    const isSo = (): boolean =>
      ids.every((id) => this.nodes.get(id)?.raft.configuration.voters.join() === ids.join());
    await this.until(`voters ${ids.join()}`, isSo);
  }

  async write(node: Node | undefined): Promise<void> {
    this.#writes += 1;
    await this.world.complete((node as Node).client.put('key', `${this.#writes}`));
  }

  /** The name of the error that it ends with. */
  async failure(promise: Promise<unknown>): Promise<string> {
    const outcome = promise.then(
      () => 'no error',
      (error: unknown) => (error instanceof DEngineError ? error.name : String(error)),
    );
    return this.world.complete(outcome);
  }
}

/** Node 1 leads, 2 and 3 have come and were promoted. */
async function grown(seed: number): Promise<Growing> {
  const cluster = new Growing(seed);
  await cluster.start(1, settingsOf(1, [1]));
  await cluster.until('a leader', () => cluster.leader !== undefined);
  await cluster.write(cluster.leader);
  await cluster.join(2, [1]);
  await cluster.join(3, [1]);
  await cluster.votersAre([1, 2, 3]);
  return cluster;
}

describe('a cluster that grows', () => {
  test('from one voter to three: learners join, catch up and are promoted together', async () => {
    const cluster = await grown(1);
    await cluster.write(cluster.leader);
    const index = cluster.leader?.commitIndex ?? 0;
    await cluster.until('all have applied', () =>
      [...cluster.nodes.values()].every(({ appliedIndex }) => appliedIndex >= index),
    );
    for (const node of cluster.nodes.values()) {
      const entry = await cluster.world.complete(
        node.client.get('key', { consistency: 'eventual' }),
      );
      expect(Buffer.from(entry?.value ?? []).toString()).toBe('2');
    }
  });

  test('one learner alone waits: voters stay odd; by hand it may be promoted', async () => {
    const cluster = new Growing(2);
    await cluster.start(1, settingsOf(1, [1]));
    await cluster.until('a leader', () => cluster.leader !== undefined);
    const learner = await cluster.join(2, [1]);
    await cluster.until('it follows', () => learner.raft.configuration.learners.includes(2));
    await cluster.world.run({ forMs: 3_000 });
    expect(cluster.leader?.raft.configuration.voters).toEqual([1]);
    // Asked of the learner, which asks the leader.
    const result = await cluster.world.complete(learner.changeMember('promote', 2, 5_000));
    expect(result).toEqual({ nodeId: 2, changed: true, voters: [1, 2], learners: [], leaderId: 1 });
    const again = await cluster.world.complete(learner.changeMember('promote', 2, 5_000));
    expect(again).toMatchObject({ changed: false, voters: [1, 2] });
  });

  test('a READ_ONLY learner serves eventual reads and never votes', async () => {
    const cluster = new Growing(3);
    await cluster.start(1, settingsOf(1, [1]));
    await cluster.until('a leader', () => cluster.leader !== undefined);
    await cluster.write(cluster.leader);
    const learner = await cluster.join(2, [1], false);
    await cluster.until('it has the data', () => learner.appliedIndex >= 3);
    const entry = await cluster.world.complete(
      learner.client.get('key', { consistency: 'eventual' }),
    );
    expect(Buffer.from(entry?.value ?? []).toString()).toBe('1');
    const refused = cluster.failure(learner.changeMember('promote', 2, 2_000));
    expect(await refused).toBe('ReadOnlyMember');
  });
});

describe('a cluster that shrinks', () => {
  test('the leader that is removed hands over, is told, and cannot come back', async () => {
    const cluster = await grown(4);
    const first = cluster.leader as Node;
    const id = first.settings.nodeId;
    const other = [...cluster.nodes.values()].find((node) => node !== first) as Node;
    const result = await cluster.world.complete(other.changeMember('remove', id, 10_000));
    expect(result.voters).not.toContain(id);
    expect(result.changed).toBe(true);
    await cluster.until('it knows', () => !first.isServing);
    expect(first.status()).toMatchObject({ condition: 'refused', role: 'learner' });
    await cluster.until('another leads', () => cluster.leader !== undefined);
    await cluster.write(cluster.leader);
    await cluster.world.complete(first.stop());
    const back = await cluster.start(id, first.settings);
    await cluster.world.run({ forMs: 5_000 });
    expect(back.isServing).toBe(false);
    expect(cluster.leader?.raft.configuration.voters).toHaveLength(2);
  });

  test('the last voter stays, and strangers are told apart', async () => {
    const cluster = new Growing(5);
    const node = await cluster.start(1, settingsOf(1, [1]));
    await cluster.until('a leader', () => cluster.leader !== undefined);
    expect(await cluster.failure(node.changeMember('remove', 1, 2_000))).toBe('LastVoter');
    expect(await cluster.failure(node.changeMember('remove', 9, 2_000))).toBe('NotFound');
    expect(await cluster.failure(node.changeMember('promote', 9, 2_000))).toBe('NotFound');
    expect(await cluster.failure(node.changeMember('transfer', 9, 2_000))).toBe('NotFound');
  });
});

describe('a member', () => {
  test('takes over when it is asked to', async () => {
    const cluster = await grown(6);
    const target = [...cluster.nodes.values()].find((node) => !node.isLeader) as Node;
    const { nodeId } = target.settings;
    const result = await cluster.world.complete(target.changeMember('transfer', nodeId, 5_000));
    expect(result).toMatchObject({ changed: true, leaderId: nodeId });
    await cluster.until('it leads', () => target.isLeader);
  });

  test('that lost its disk is replaced in one call, and counts again', async () => {
    const cluster = await grown(7);
    const lost = [...cluster.nodes.values()].find((node) => !node.isLeader) as Node;
    const id = lost.settings.nodeId;
    await cluster.world.complete(lost.stop());
    const host = cluster.world.host(`n${id}`);
    host.crash();
    host.disk.wipe();
    host.restart();
    const back = await cluster.start(id, lost.settings);
    await cluster.world.run({ forMs: 2_000 });
    expect(back.appliedIndex).toBe(0);
    const { leader } = cluster;
    const result = await cluster.world.complete(
      (leader as Node).changeMember('replace', id, 15_000),
    );
    expect(result).toMatchObject({ changed: true, voters: [1, 2, 3] });
    await cluster.write(cluster.leader);
    await cluster.until('it has all', () => back.commitIndex === leader?.commitIndex);
    expect(back.isServing).toBe(true);
  });

  test('keeps the members that the log names, whatever its file says', async () => {
    const cluster = await grown(8);
    const all = [...cluster.nodes.values()];
    for (const node of all) await cluster.world.complete(node.stop());
    for (const { settings } of all) await cluster.start(settings.nodeId, settings);
    await cluster.until('a leader', () => cluster.leader !== undefined);
    await cluster.votersAre([1, 2, 3]);
    await cluster.write(cluster.leader);
  });
});

describe('who asks to be taken in', () => {
  const asks: JoinRequest = {
    nodeId: 4,
    nodeRole: 'learner',
    address: 'n4:9000',
    status: 'promotable',
    instanceId: 'a'.repeat(32),
    clusterId: undefined,
  };

  async function answer(cluster: Growing, to: Node, request: JoinRequest): Promise<string> {
    const { network } = cluster.world.host('caller').env;
    const channel = network.connect(`n${to.settings.nodeId}:9000`);
    const call = channel.call(methods.joinCluster, encodeJoinRequest(request), {
      deadlineMs: 2_000,
    });
    const outcome = call.then(
      ({ message }) => `leader ${decodeJoinResponse(message).leaderId}`,
      (error: unknown) => toDEngineError(error).name,
    );
    return cluster.world.complete(outcome);
  }

  test('is told why not, each reason by its own error', async () => {
    const cluster = await grown(9);
    const leader = cluster.leader as Node;
    const follower = [...cluster.nodes.values()].find((node) => node !== leader) as Node;
    expect(await answer(cluster, follower, asks)).toBe('NotLeader');
    const others: [Partial<JoinRequest>, string][] = [
      [{ nodeId: 1 }, 'KnownMember'],
      [{ clusterId: 'b'.repeat(32) }, 'WrongCluster'],
      [{ nodeRole: 'follower' }, 'InvalidRequest'],
      [{ nodeId: 0 }, 'InvalidRequest'],
      [{ address: '' }, 'InvalidAddress'],
    ];
    for (const [changes, name] of others) {
      expect(await answer(cluster, leader, { ...asks, ...changes })).toBe(name);
    }
    const { nodeId } = leader.settings;
    expect(await answer(cluster, leader, asks)).toBe(`leader ${nodeId}`);
    // Asking again does no harm; another directory under the same id does.
    expect(await answer(cluster, leader, asks)).toBe(`leader ${nodeId}`);
    const other = { ...asks, instanceId: 'c'.repeat(32) };
    expect(await answer(cluster, leader, other)).toBe('KnownMember');
  });

  test('two at once both come in', async () => {
    const cluster = await grown(10);
    await cluster.join(4, [1, 2, 3]);
    await cluster.join(5, [1, 2, 3]);
    await cluster.votersAre([1, 2, 3, 4, 5]);
    await cluster.write(cluster.leader);
  });
});
