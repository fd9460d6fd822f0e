import {
  type Address,
  type Answer,
  type CallOptions,
  type Channel,
  type ChannelOptions,
  DEngineError,
  type Listener,
  type MessageStream,
  type Network,
  type NodeStatus,
  StatusError,
} from '@d-engine/base';
import { encodeNodeStatus, methods, toFailure } from '@d-engine/wire';
import type { FakeClock } from './fake-clock.ts';
import { memberStatus, ourCluster } from './member-status.ts';

/** A call that was handed to a connection: the member may act on it from now on. */
export interface Delivery {
  readonly address: Address;
  readonly method: string;
  readonly request: Uint8Array;
  readonly deadlineMs: number;
}

export type Handler = (
  delivery: Delivery,
) => Uint8Array | DEngineError | 'silence' | 'reset' | Promise<Uint8Array>;

/** A member as the network shows it. Absent from the network: nobody listens there. */
export interface FakeMember {
  readonly clusterId?: string | null;
  readonly leader?: { readonly id: number; readonly address: Address } | null;
  /** Answers everything but the question for the status. */
  readonly handle: Handler;
  /** `unreachable`: packets to it vanish before a connection stands. */
  readonly connection?: 'open' | 'unreachable';
  /** Instead of the status: as members of the original, which have none. */
  readonly withoutStatus?: boolean;
}

/** Channels to members that are scripts. */
export class FakeNetwork implements Network {
  readonly members: Map<Address, FakeMember> = new Map<Address, FakeMember>();
  /** Everything but questions for the status. */
  readonly deliveries: Delivery[] = [];
  statusCalls = 0;
  readonly #connectionNumbers: Map<Address, number> = new Map<Address, number>();
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  get addresses(): Address[] {
    return this.deliveries.map(({ address }) => address);
  }

  /** Loses the connection to the address while nothing is under way on it. */
  loseIdleConnection(address: Address): void {
    this.#connectionNumbers.set(address, this.#connectionNumber(address) + 1);
  }

  #connectionNumber(address: Address): number {
    return this.#connectionNumbers.get(address) ?? 1;
  }

  listen(): Promise<Listener> {
    throw new Error('a client does not listen');
  }

  batch(): void {
    throw new Error('a client has no turns');
  }

  connect(address: Address, options: ChannelOptions = {}): Channel {
    const open = new Set<(error: StatusError) => void>();
    let closed = false;
    const connectionNumber = (): number => this.#connectionNumber(address);
    return {
      address,
      get connectionNumber() {
        return connectionNumber();
      },
      call: (method, request, callOptions) => {
        if (closed) return Promise.reject(statusError('cancelled', 'the channel is closed', false));
        return this.#call({ address, method, request, callOptions, open, options });
      },
      openStream: (): MessageStream => {
        throw new Error('no streams here');
      },
      close: () => {
        closed = true;
        for (const fail of [...open]) fail(statusError('cancelled', 'channel closed', true));
      },
    };
  }

  #call(call: {
    address: Address;
    method: string;
    request: Uint8Array;
    callOptions: CallOptions;
    open: Set<(error: StatusError) => void>;
    options: ChannelOptions;
  }): Promise<Answer> {
    const { address, method, request, callOptions, open } = call;
    const { deadlineMs, signal } = callOptions;
    if (!(deadlineMs >= 1)) throw new Error(`a deadline of ${deadlineMs} ms`);
    const member = this.members.get(address);
    const sent = member !== undefined && member.connection !== 'unreachable';
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        timer.cancel();
        connecting?.cancel();
        open.delete(fail);
        signal?.removeEventListener('abort', onAbort);
        act();
      };
      const fail = (error: StatusError): void => settle(() => reject(error));
      const onAbort = (): void => fail(statusError('cancelled', 'aborted', sent));
      const timer = this.#clock.setTimer(deadlineMs, () => {
        fail(statusError('deadlineExceeded', 'no answer in time', sent));
      });
      const connecting = sent
        ? undefined
        : this.#clock.setTimer(
            member === undefined ? 0 : (call.options.connectTimeoutMs ?? 0),
            () => fail(statusError('unavailable', 'connection refused', false)),
          );
      open.add(fail);
      signal?.addEventListener('abort', onAbort, { once: true });
      if (!sent) return;
      this.#deliver(member, { address, method, request, deadlineMs }).then((outcome) => {
        if (outcome === 'silence') return;
        if (outcome === 'reset') fail(statusError('unavailable', 'connection reset', true));
        else if (outcome instanceof StatusError) fail(outcome);
        else settle(() => resolve({ message: outcome, metadata: {} }));
      }, reject);
    });
  }

  async #deliver(
    member: FakeMember,
    delivery: Delivery,
  ): Promise<Uint8Array | StatusError | 'silence' | 'reset'> {
    if (delivery.method === methods.status && member.withoutStatus !== true) {
      this.statusCalls += 1;
      return encodeNodeStatus(statusOf(member));
    }
    if (delivery.method === methods.status) return statusError('unimplemented', 'what?', true);
    this.deliveries.push(delivery);
    const outcome = await member.handle(delivery);
    if (!(outcome instanceof DEngineError)) return outcome;
    return new StatusError(toFailure(outcome), true);
  }
}

export function statusError(
  status: StatusError['status'],
  message: string,
  mayHaveBeenSent: boolean,
): StatusError {
  return new StatusError({ status, message }, mayHaveBeenSent);
}

function statusOf({ clusterId = ourCluster, leader = null }: FakeMember): NodeStatus {
  return memberStatus({ clusterId, leader });
}
