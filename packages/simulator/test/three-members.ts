import { join } from 'node:path';
import type { NodeId, Revision } from '@d-engine/base';
import { describeError } from '@d-engine/base';
import type { Node } from '@d-engine/node';
import { VirtualWorld } from '@d-engine/virtual-env';
import { drawScenario } from '../src/draw-scenario.ts';
import { roomyLimits } from '../src/draw-variety.ts';
import type { Scenario } from '../src/scenario.ts';
import { VirtualCluster } from '../src/virtual-cluster.ts';

const dataDirectory = '/data';

/** Three members in a quiet world, for an accident that a test plays out step by step. */
export class ThreeMembers {
  readonly world: VirtualWorld;
  readonly cluster: VirtualCluster;
  /** What the members logged, with who said it: `n1 info ...`. */
  readonly lines: string[] = [];
  readonly deaths: string[] = [];
  readonly #memberships = new Map<NodeId, Set<NodeId>>();

  constructor(seed: number, changes: Partial<Scenario> = {}) {
    const scenario = { ...quietScenario(seed), ...changes };
    this.world = new VirtualWorld({ seed, ...scenario.world });
    this.cluster = new VirtualCluster(this.world, scenario, {
      onDeath: (id, error) => this.deaths.push(`${id}: ${describeError(error)}`),
      onLog: (id, level, text) => this.#onLine(id, level, text),
    });
  }

  #onLine(id: NodeId, level: string, text: string): void {
    this.lines.push(`n${id} ${level} ${text}`);
    const bound = /^member bound \{"node":(\d+)/.exec(text)?.[1];
    if (bound === undefined) return;
    const known = this.#memberships.get(id) ?? new Set();
    this.#memberships.set(id, known.add(Number(bound)));
  }

  start(...ids: readonly NodeId[]): void {
    for (const id of ids) this.cluster.start(id);
  }

  stop(...ids: readonly NodeId[]): void {
    for (const id of ids) this.cluster.crash(id, false);
  }

  restart(...ids: readonly NodeId[]): void {
    for (const id of ids) this.cluster.restart(id);
  }

  /** Cuts these off from all others. */
  cutOff(...ids: readonly NodeId[]): void {
    const rest = this.cluster.ids.filter((id) => !ids.includes(id));
    this.world.partition([ids, rest].map((group) => group.map((id) => `n${id}`)));
  }

  node(id: NodeId): Node {
    const node = this.cluster.node(id);
    if (node === undefined) throw new Error(`member ${id} is down`);
    return node;
  }

  async until(what: string, holds: () => boolean, limitMs = 30_000): Promise<void> {
    if (await this.world.run({ until: holds, limitMs })) return;
    const states = this.cluster.nodes.map((node) => JSON.stringify(node.status()));
    throw new Error(`not within ${limitMs} ms: ${what}\n${states.join('\n')}`);
  }

  async pass(ms: number): Promise<void> {
    await this.world.run({ forMs: ms });
  }

  /** One of these leads, and the others of them follow it. */
  async untilLed(...ids: readonly NodeId[]): Promise<Node> {
    const led = (): Node | undefined => {
      const nodes = ids.map((id) => this.cluster.node(id));
      const leader = nodes.find((node) => node?.isLeader === true);
      const leaderId = leader?.settings.nodeId;
      return nodes.every((node) => node?.leaderId === leaderId) ? leader : undefined;
    };
    await this.until(`a leader among ${ids.join(', ')}`, () => led() !== undefined);
    return led() as Node;
  }

  /** Each of these knows that all three are bound. */
  async untilBound(...ids: readonly NodeId[]): Promise<void> {
    await this.until('all members bound', () =>
      ids.every((id) => this.#memberships.get(id)?.size === this.cluster.ids.length),
    );
  }

  async put(id: NodeId, key: string, value: string): Promise<Revision> {
    const { revision } = await this.world.complete(this.node(id).client.put(key, value));
    return revision;
  }

  async get(id: NodeId, key: string): Promise<string | undefined> {
    const found = await this.world.complete(
      this.node(id).client.get(key, { consistency: 'linearizable' }),
    );
    return found === null ? undefined : Buffer.from(found.value).toString();
  }

  /** The files of a member as they are now. */
  copyDirectory(id: NodeId): Map<string, Uint8Array> {
    const { disk } = this.cluster.host(id);
    const files = new Map<string, Uint8Array>();
    const walk = (directory: string): void => {
      for (const name of disk.peekNames(directory) ?? []) {
        const path = join(directory, name);
        const content = disk.peek(path);
        if (content === undefined) walk(path);
        else files.set(path, Uint8Array.from(content));
      }
    };
    walk(dataDirectory);
    return files;
  }

  /** Puts a copy in the place of what is there, and starts the member on it. */
  async restoreAndStart(id: NodeId, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const host = this.cluster.host(id);
    host.disk.wipe();
    const { disk } = host.restart();
    const write = async (): Promise<void> => {
      for (const [path, content] of files) {
        await disk.makeDirectory(join(path, '..'));
        const file = await disk.open(path, 'create');
        await file.writeAndSync(0, [content]);
        await file.close();
      }
    };
    await this.world.complete(write());
    host.crash();
    this.restart(id);
  }
}

/** A world in which nothing fails unless the test makes it. */
export function quietScenario(seed: number): Scenario {
  return {
    ...drawScenario(seed, 3, 'DiskFirst'),
    world: new VirtualWorld({ seed }).options,
    electionTimeoutMinMs: 300,
    heartbeatIntervalMs: 30,
    leaseDurationMs: 200,
    valueBytes: [],
    limits: roomyLimits,
    faults: [],
  };
}
