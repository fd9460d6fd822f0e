import { type Address, type Channel, type Clock, limits, type Network } from '@d-engine/base';
import type { AttemptFailure } from './attempt-failure.ts';

/** A member's address and what the client knows of it. */
export interface Endpoint {
  readonly address: Address;
  readonly channel: Channel;
  /**
   * The connection by which its cluster is known to be ours: behind the next one there may be
   * another process.
   */
  verifiedConnection: number | undefined;
  /** The question for its cluster that is under way. Never rejects. */
  check: Promise<AttemptFailure | undefined> | undefined;
  /** Others are asked first until this time. */
  coolingUntilMs: number;
}

/** Who can answer: the leader (lease reads, writes), or whoever comes next. */
export type Target = 'leader' | 'any';

export interface EndpointPoolOptions {
  readonly addresses: readonly Address[];
  readonly network: Network;
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  /** Where the round starts, so that the clients of a fleet do not all begin with the same one. */
  readonly startAt: number;
}

/** The endpoints of the user and the leaders that members named, and who is believed to lead. */
export class EndpointPool {
  readonly #options: EndpointPoolOptions;
  readonly #endpoints: Endpoint[];
  #next: number;
  #leader: Endpoint | undefined;

  constructor(options: EndpointPoolOptions) {
    this.#options = options;
    this.#endpoints = options.addresses.map((address) => this.#open(address));
    this.#next = options.startAt;
  }

  get size(): number {
    return this.#endpoints.length;
  }

  get hasLeader(): boolean {
    return this.#leader !== undefined;
  }

  /** The best one that is not in `tried`; undefined when all are. */
  choose(target: Target, tried: ReadonlySet<Endpoint>): Endpoint | undefined {
    const leader = this.#leader;
    if (target === 'leader' && leader !== undefined && this.isFresh(leader, tried)) return leader;
    let cooling: Endpoint | undefined;
    for (let count = 0; count < this.#endpoints.length; count++) {
      const endpoint = this.#endpoints[(this.#next + count) % this.#endpoints.length] as Endpoint;
      if (this.isFresh(endpoint, tried)) {
        this.#next += count + 1;
        return endpoint;
      }
      if (!tried.has(endpoint)) cooling ??= endpoint;
    }
    if (cooling !== undefined) this.#next += 1;
    return cooling;
  }

  /** Not asked yet, and not failed lately: worth asking at once. */
  isFresh(endpoint: Endpoint, tried: ReadonlySet<Endpoint>): boolean {
    return !tried.has(endpoint) && endpoint.coolingUntilMs <= this.#options.clock.monotonicMs();
  }

  /** Somebody named this address as the leader's. */
  believe(address: Address): Endpoint {
    const known = this.#endpoints.find((endpoint) => endpoint.address === address);
    const endpoint = known ?? this.#learn(address);
    this.#leader = endpoint;
    return endpoint;
  }

  /** It did what only a leader does. */
  confirm(endpoint: Endpoint): void {
    this.#leader = endpoint;
    endpoint.coolingUntilMs = 0;
  }

  /** It may not lead. */
  doubt(endpoint: Endpoint): void {
    if (this.#leader === endpoint) this.#leader = undefined;
  }

  /** It cannot be used now; whoever answers there next may belong to another cluster. */
  avoid(endpoint: Endpoint, coolingMs: number): void {
    this.doubt(endpoint);
    endpoint.verifiedConnection = undefined;
    endpoint.coolingUntilMs = this.#options.clock.monotonicMs() + coolingMs;
  }

  close(): void {
    for (const endpoint of this.#endpoints) endpoint.channel.close();
  }

  /** Members come and go while the user's list stays: the oldest learned one makes room. */
  #learn(address: Address): Endpoint {
    const learnedFrom = this.#options.addresses.length;
    if (this.#endpoints.length - learnedFrom >= limits.membersMax) {
      const [oldest] = this.#endpoints.splice(learnedFrom, 1);
      oldest?.channel.close();
    }
    const endpoint = this.#open(address);
    this.#endpoints.push(endpoint);
    return endpoint;
  }

  #open(address: Address): Endpoint {
    const { network, connectTimeoutMs } = this.#options;
    return {
      address,
      channel: network.connect(address, { connectTimeoutMs }),
      verifiedConnection: undefined,
      check: undefined,
      coolingUntilMs: 0,
    };
  }
}
