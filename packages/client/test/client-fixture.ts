import {
  type Address,
  type Counter,
  DEngineError,
  type Metrics,
  type Random,
  silentMetrics,
} from '@d-engine/base';
import { encodeClientResponse, methods } from '@d-engine/wire';
import { type Client, type ClientOptions, createClient } from '../src/index.ts';
import { FakeClock } from './fake-clock.ts';
import { type FakeMember, FakeNetwork, type Handler } from './fake-network.ts';

export const a = '10.0.0.1:9081';
export const b = '10.0.0.2:9082';
export const c = '10.0.0.3:9083';

/** A client with scripted members on time that stands still. */
export class ClientFixture {
  readonly clock: FakeClock = new FakeClock();
  readonly network: FakeNetwork = new FakeNetwork(this.clock);
  readonly counted: Map<string, number> = new Map<string, number>();

  connect(options: Partial<ClientOptions> = {}): Client {
    return createClient({
      endpoints: [a, b, c],
      clock: this.clock,
      network: this.network,
      random: firstOfAll,
      metrics: this.#metrics(),
      ...options,
    });
  }

  member(address: Address, handle: Handler, rest: Omit<FakeMember, 'handle'> = {}): void {
    this.network.members.set(address, { handle, ...rest });
  }

  /** The error that the promise rejects with. */
  async failure(promise: Promise<unknown>): Promise<DEngineError> {
    const outcome = await this.clock.run(
      promise.then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    if (outcome instanceof DEngineError) return outcome;
    throw new Error(`no DEngineError: ${String(outcome)}`);
  }

  #metrics(): Metrics {
    return {
      ...silentMetrics,
      counter: (name): Counter => ({
        add: (amount = 1) => this.counted.set(name, (this.counted.get(name) ?? 0) + amount),
      }),
    };
  }
}

const firstOfAll: Random = {
  float: () => 0,
  bytes: (length) => new Uint8Array(length),
};

export function written(revision: number): Uint8Array {
  return encodeClientResponse({ type: 'write', succeeded: true, revision });
}

/** Answers writes, and reads with an empty store, as a leader does. */
export function serves(revision = 7): Handler {
  return ({ method }) =>
    method === methods.clientWrite
      ? written(revision)
      : encodeClientResponse({
          type: 'read',
          results: [],
          revision,
          consistency: 'linearizable',
        });
}

/** Refuses as a follower does, with or without knowing the leader. */
export function follows(leader?: Address): Handler {
  const details = leader === undefined ? {} : { leader: { id: 9, address: leader } };
  return () => new DEngineError('NotLeader', 'this member does not lead', details);
}

export function failsWith(...args: ConstructorParameters<typeof DEngineError>): Handler {
  return () => new DEngineError(...args);
}
