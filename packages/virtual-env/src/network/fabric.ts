import { assert } from '@d-engine/base';
import type { Kernel } from '../kernel.ts';
import type { Life } from '../life.ts';
import type { Range } from '../options.ts';
import { isLoopback } from './address.ts';
import { Link, linkBlockers, noDelay } from './link.ts';
import { NetworkNode } from './network-node.ts';
import type { PortListener } from './port-listener.ts';
import type { Joint } from './side.ts';

/** All hosts and the links between them. Links exist from their first use. */
export class Fabric {
  readonly #kernel: Kernel;
  readonly #nodes: Map<string, NetworkNode> = new Map();
  readonly #links: Map<NetworkNode, Map<NetworkNode, Link>> = new Map();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  addNode(name: string, aliases: readonly string[]): NetworkNode {
    const node = new NetworkNode(name, aliases);
    for (const each of node.names) {
      assert(!this.#nodes.has(each), () => `two hosts are called ${each}`);
      this.#nodes.set(each, node);
    }
    return node;
  }

  node(name: string): NetworkNode {
    const node = this.#nodes.get(name);
    assert(node !== undefined, () => `no host is called ${name}`);
    return node;
  }

  resolve(host: string, asker: NetworkNode): NetworkNode | undefined {
    return isLoopback(host) ? asker : this.#nodes.get(host);
  }

  listenerAt(
    node: NetworkNode | undefined,
    port: number,
    caller: NetworkNode,
  ): PortListener | undefined {
    const listener = node?.listeners.get(port);
    if (listener?.loopbackOnly === true && node !== caller) return undefined;
    return listener;
  }

  link(from: NetworkNode, to: NetworkNode): Link {
    let links = this.#links.get(from);
    if (links === undefined) {
      links = new Map();
      this.#links.set(from, links);
    }
    let link = links.get(to);
    if (link === undefined) {
      link = new Link(this.#kernel, from, to);
      links.set(to, link);
      if (from !== to && from.dark) link.block(linkBlockers.sourceAsleep);
      if (from !== to && to.dark) link.block(linkBlockers.targetAsleep);
    }
    return link;
  }

  // ---- faults ----

  cut(from: NetworkNode, to: NetworkNode): void {
    assert(from !== to, () => `${from.name} cannot be cut off itself`);
    this.#kernel.trace.record('cut', from.name, to.name);
    this.#block(from, to, linkBlockers.cut);
  }

  mend(from: NetworkNode, to: NetworkNode): void {
    this.#kernel.trace.record('heal', from.name, to.name);
    this.link(from, to).unblock(linkBlockers.cut);
  }

  mendAll(): void {
    this.#kernel.trace.record('heal', '', 'all');
    for (const [, , link] of this.#allLinks()) link.unblock(linkBlockers.cut);
  }

  /** Says how many connections it broke. */
  reset(one: NetworkNode, other: NetworkNode): number {
    this.#kernel.trace.record('reset', one.name, other.name);
    const broken = new Set<Joint>();
    for (const side of one.sides) if (side.out.to === other) broken.add(side.connection);
    for (const connection of broken) connection.breakDown();
    return broken.size;
  }

  clog(from: NetworkNode, to: NetworkNode, delayMs: Range): void {
    this.#kernel.trace.record('clog', from.name, to.name, delayMs.max);
    this.link(from, to).clogMs = delayMs;
  }

  unclog(from: NetworkNode, to: NetworkNode): void {
    this.link(from, to).clogMs = noDelay;
  }

  unclogAll(): void {
    for (const [, , link] of this.#allLinks()) link.clogMs = noDelay;
  }

  setDark(node: NetworkNode, dark: boolean): void {
    node.dark = dark;
    for (const [from, to, link] of this.#allLinks()) {
      if (from === to || (from !== node && to !== node)) continue;
      const blocker = from === node ? linkBlockers.sourceAsleep : linkBlockers.targetAsleep;
      if (dark) this.#block(from, to, blocker);
      else link.unblock(blocker);
    }
  }

  /** A process starts on `node`; what still talks to the last one is told that it is gone. */
  startLife(node: NetworkNode, life: Life): void {
    assert(node.life === undefined, () => `${node.name} runs already`);
    node.life = life;
    const failure = { status: 'unavailable', message: `${node.name} was restarted` } as const;
    for (const side of node.orphans.splice(0)) {
      side.into.transmit(0, side.life, () => side.lose(failure));
    }
  }

  /** The process on `node` ended. Without power nobody tells its peers: they notice in time. */
  endLife(node: NetworkNode, powerLoss: boolean): void {
    node.life = undefined;
    node.listeners.clear();
    const { resetAfterMs } = this.#kernel.options.network;
    const failure = { status: 'unavailable', message: `${node.name} is gone` } as const;
    for (const side of node.sides) {
      side.die(failure, powerLoss ? side.out.drawBetween({ min: 0, max: resetAfterMs.max }) : 0);
    }
  }

  #block(from: NetworkNode, to: NetworkNode, blocker: number): void {
    const link = this.link(from, to);
    if (!link.block(blocker)) return;
    for (const side of from.sides) if (side.out === link) side.expectSilence(link);
    for (const side of to.sides) if (side.into === link) side.expectSilence(link);
  }

  *#allLinks(): Generator<[NetworkNode, NetworkNode, Link]> {
    for (const [from, links] of this.#links) for (const [to, link] of links) yield [from, to, link];
  }
}
