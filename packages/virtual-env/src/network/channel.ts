import type {
  Address,
  Answer,
  CallOptions,
  Channel,
  ChannelOptions,
  MessageStream,
  Metadata,
  StreamHandler,
  StreamOptions,
} from '@d-engine/base';
import { assert, StatusError } from '@d-engine/base';
import type { HostClock } from '../host-clock.ts';
import type { Kernel } from '../kernel.ts';
import type { Life } from '../life.ts';
import { parseAddress } from './address.ts';
import { ClientCall } from './call.ts';
import { Connection } from './connection.ts';
import type { Fabric } from './fabric.ts';
import type { NetworkNode } from './network-node.ts';
import { StreamEnd } from './stream.ts';

const noMetadata: Metadata = Object.freeze({});

/** Where a channel comes from. */
export interface ChannelOrigin {
  readonly kernel: Kernel;
  readonly fabric: Fabric;
  readonly node: NetworkNode;
  readonly life: Life;
  readonly clock: HostClock;
}

/** One connection at a time to an address, made anew whenever the last one is gone. */
export class VirtualChannel implements Channel {
  readonly address: Address;
  readonly #origin: ChannelOrigin;
  readonly #host: string;
  readonly #port: number;
  readonly #connectTimeoutMs: number;
  #connection: Connection | undefined;
  /** Of `#connection`; 0 before the first. */
  #connectionNumber = 0;
  #closed = false;

  constructor(origin: ChannelOrigin, address: Address, options: ChannelOptions) {
    const { host, port } = parseAddress(address);
    this.address = address;
    this.#origin = origin;
    this.#host = host;
    this.#port = port;
    this.#connectTimeoutMs =
      options.connectTimeoutMs ?? origin.kernel.options.network.connectTimeoutMs;
  }

  get connectionNumber(): number {
    return this.#connection?.usable === true ? this.#connectionNumber : this.#connectionNumber + 1;
  }

  call(method: string, request: Uint8Array, options: CallOptions): Promise<Answer> {
    const { kernel, life, clock } = this.#origin;
    assert(options.deadlineMs >= 1, () => `a deadline of ${options.deadlineMs} ms`);
    return new Promise((resolve, reject) => {
      if (!life.alive) return;
      const refusal = this.#closed ? 'the channel is closed' : 'the caller gave up before';
      if (this.#closed || options.signal?.aborted === true) {
        reject(new StatusError({ status: 'cancelled', message: refusal }, false));
        return;
      }
      const virtualDeadlineMs = clock.virtualDelayMs(options.deadlineMs);
      const localHost = this.#host;
      const call = { method, request, options, virtualDeadlineMs, localHost };
      new ClientCall(kernel, this.#connect().client, call, resolve, reject);
    });
  }

  openStream(method: string, handler: StreamHandler, options: StreamOptions = {}): MessageStream {
    const { kernel, life } = this.#origin;
    if (!life.alive) return deadStream;
    if (this.#closed) {
      const failure = { status: 'cancelled', message: 'the channel is closed' } as const;
      kernel.post(0, life, () => handler.onClose(failure));
      return deadStream;
    }
    const request = { method, metadata: options.metadata ?? noMetadata, localHost: this.#host };
    const stream = new StreamEnd(kernel, this.#connect().client, request, handler);
    stream.begin();
    return stream;
  }

  close(): void {
    if (this.#closed || !this.#origin.life.alive) return;
    this.#closed = true;
    this.#connection?.client.fail({ status: 'cancelled', message: 'the channel was closed' });
  }

  #connect(): Connection {
    if (this.#connection?.usable === true) return this.#connection;
    this.#connectionNumber += 1;
    const { kernel, fabric, node, life, clock } = this.#origin;
    const target = fabric.resolve(this.#host, node);
    const timeoutMs = clock.virtualDelayMs(this.#connectTimeoutMs);
    this.#connection = new Connection(kernel, fabric, node, life, target, this.#port, timeoutMs);
    return this.#connection;
  }
}

const nothing = (): void => undefined;

const deadStream: MessageStream = Object.freeze({
  send: () => false,
  end: nothing,
  reset: nothing,
  pause: nothing,
  resume: nothing,
});
