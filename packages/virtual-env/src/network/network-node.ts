import { assert } from '@d-engine/base';
import type { Life } from '../life.ts';
import type { PortListener } from './port-listener.ts';
import type { Side, SideHost } from './side.ts';

const firstFreePort = 49_152;

/** A host as the network knows it. */
export class NetworkNode implements SideHost {
  readonly name: string;
  /** By which others reach it; the first is its own. */
  readonly names: readonly string[];
  readonly listeners: Map<number, PortListener> = new Map();
  /** Open ends of connections, in the order in which they came about. */
  readonly sides: Set<Side> = new Set();
  /** Ends on other hosts of connections that a power loss cut off here: nobody told them yet. */
  readonly orphans: Side[] = [];
  life: Life | undefined = undefined;
  /** The whole machine is asleep: unlike a stopped process it does not even receive. */
  dark = false;
  #nextPort = firstFreePort;

  constructor(name: string, aliases: readonly string[]) {
    this.name = name;
    this.names = [name, ...aliases];
  }

  /** Never given out twice, so that nobody takes a new listener for an old one. */
  freePort(): number {
    while (this.listeners.has(this.#nextPort)) this.#nextPort += 1;
    assert(this.#nextPort <= 65_535, () => `${this.name} has used up its ports`);
    return this.#nextPort++;
  }
}
