import type { ClientApi } from '@d-engine/base';
import { assert, DEngineError } from '@d-engine/base';
import type { ApplicationClient } from '@d-engine/storage';
import { applicationClient } from '@d-engine/storage';
import type { VirtualWorld } from '@d-engine/virtual-env';
import { clientBy } from '../embedded/client-operations.ts';
import type { TestMember } from './test-member.ts';
import { hostOf } from './test-member.ts';
import type { TimeDriver } from './time-driver.ts';

const leaderWaitMs = 60_000;

/**
 * A cluster in this process: the members that users run, on a virtual network, with virtual disks
 * and clocks. No port is opened, no file written, and no real time passes: it goes on while a call
 * of this object or of its clients waits, and with {@link TestCluster.advanceTime}.
 */
export class TestCluster {
  readonly #world: VirtualWorld;
  readonly #driver: TimeDriver;
  readonly #members: ReadonlyMap<number, TestMember>;

  /** For the package itself; see `startTestCluster`. */
  constructor(world: VirtualWorld, driver: TimeDriver, members: readonly TestMember[]) {
    this.#world = world;
    this.#driver = driver;
    this.#members = new Map(members.map((member) => [member.id, member]));
  }

  get nodeIds(): readonly number[] {
    return [...this.#members.keys()];
  }

  /** Undefined while nobody leads. Of two in different parts of a cut network, the newer one. */
  get leaderId(): number | undefined {
    const leaders = [...this.#members.values()].filter((member) => member.isLeader);
    return leaders.sort((one, other) => other.term - one.term)[0]?.id;
  }

  /**
   * The store, by one member. When none is named, by the leader: a call then waits until there is
   * one, an iteration begins at any member that runs.
   */
  client(nodeId?: number): ClientApi {
    return clientBy({
      call: async (name, args) => {
        const id = nodeId ?? (await this.waitForLeader());
        return this.#driver.until(Promise.resolve(operate(this.#member(id).client, name, args)));
      },
      iterate: (name, args) => {
        const { client } = this.#memberFor(nodeId);
        return this.#driver.items(operate(client, name, args) as AsyncIterable<unknown>);
      },
    });
  }

  /** The state machine that the cluster was started with, by one member. */
  application(nodeId?: number): ApplicationClient {
    return applicationClient(this.client(nodeId));
  }

  /** Resolves with its id once there is one. */
  async waitForLeader(): Promise<number> {
    const isLed = (): boolean => this.leaderId !== undefined;
    const isFound = await this.#driver.untilTrue(isLed, leaderWaitMs);
    const leader = this.leaderId;
    if (isFound && leader !== undefined) return leader;
    const message = `no leader within ${leaderWaitMs} ms of virtual time`;
    throw new DEngineError('ClusterUnavailable', message);
  }

  /** Kills the leader's process; resolves with its id. */
  async killLeader(): Promise<number> {
    const id = await this.waitForLeader();
    this.kill(id);
    return id;
  }

  /** As SIGKILL does: nothing is handed over; its disk is there when it starts again. */
  kill(nodeId: number): void {
    this.#member(nodeId).kill();
  }

  async restart(nodeId: number): Promise<void> {
    await this.#driver.until(this.#member(nodeId).restart());
  }

  /** Cuts the network between groups of nodes; those in no group keep their links. */
  partition(...groups: readonly (readonly number[])[]): void {
    for (const id of groups.flat()) this.#member(id);
    this.#world.partition(groups.map((group) => group.map(hostOf)));
  }

  /** Mends all cuts. */
  heal(): void {
    this.#world.heal();
  }

  /** Lets time pass in all members: elections, timeouts and TTLs happen as they would. */
  advanceTime(ms: number): Promise<void> {
    return this.#driver.advance(ms);
  }

  async stop(): Promise<void> {
    const members = [...this.#members.values()];
    await this.#driver.until(Promise.all(members.map((member) => member.stop())));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #memberFor(nodeId: number | undefined): TestMember {
    if (nodeId !== undefined) return this.#member(nodeId);
    const running = [...this.#members.values()].filter((member) => member.isRunning);
    const chosen = running.find((member) => member.id === this.leaderId) ?? running[0];
    if (chosen !== undefined) return chosen;
    throw new DEngineError('ClusterUnavailable', 'no node of the cluster runs: restart one');
  }

  #member(nodeId: number): TestMember {
    const member = this.#members.get(nodeId);
    assert(member !== undefined, () => `no node ${nodeId} among ${this.nodeIds.join(', ')}`);
    return member;
  }
}

function operate(client: ClientApi, name: string, args: readonly unknown[]): unknown {
  const method: unknown = Reflect.get(client, name);
  assert(typeof method === 'function', () => `the store has no ${name}`);
  return Reflect.apply(method, client, args) as unknown;
}
