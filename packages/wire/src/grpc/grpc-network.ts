import type {
  Address,
  ByteNetwork,
  Channel,
  ChannelOptions,
  Env,
  Network,
  Service,
} from '@d-engine/base';
import type { Http2Context } from '../http2/http2-options.ts';
import { Ticker } from '../http2/ticker.ts';
import { TurnFlusher } from '../http2/turn-flusher.ts';
import { GrpcChannel } from './client-channel.ts';
import { GrpcListener } from './grpc-listener.ts';
import {
  type NetworkOptions,
  type NetworkSettings,
  networkSettings,
  tickMs,
} from './network-options.ts';

/** gRPC over streams of bytes, behind the message interface of `base`. */
export class GrpcNetwork implements Network {
  readonly #env: GrpcEnv;
  readonly #bytes: ByteNetwork;
  readonly #settings: NetworkSettings;
  readonly #http2: Http2Context;
  readonly #channels: Set<GrpcChannel> = new Set();
  readonly #listeners: Set<GrpcListener> = new Set();

  constructor(env: GrpcEnv, bytes: ByteNetwork, options: NetworkOptions = {}) {
    this.#env = env;
    this.#bytes = bytes;
    this.#settings = networkSettings(options);
    this.#http2 = {
      clock: env.clock,
      ticker: new Ticker(env.clock, tickMs(this.#settings)),
      flusher: new TurnFlusher(env.schedule),
    };
  }

  /** `bytes` are where this one listener gets its connections from: a port with others on it. */
  async listen(
    address: Address,
    service: Service,
    bytes: Pick<ByteNetwork, 'listen'> = this.#bytes,
  ): Promise<GrpcListener> {
    const { compute } = this.#env;
    const listener = new GrpcListener(service, compute, this.#settings, this.#http2);
    await listener.listen(address, bytes);
    this.#listeners.add(listener);
    return listener;
  }

  connect(address: Address, options: ChannelOptions = {}): Channel {
    const { compute, random, schedule } = this.#env;
    const channel = new GrpcChannel(address, options, {
      bytes: this.#bytes,
      http2: this.#http2,
      compute,
      random,
      schedule,
      settings: this.#settings,
      onClosed: (closed) => this.#channels.delete(closed),
    });
    this.#channels.add(channel);
    return channel;
  }

  batch(work: () => void): void {
    this.#http2.flusher.batch(work);
  }

  /** Closes every channel and listener that is still open, without grace. */
  async close(): Promise<void> {
    for (const channel of [...this.#channels]) channel.close();
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    await Promise.all(listeners.map((listener) => listener.close(0)));
  }
}

/** What of `Env` it takes. */
export type GrpcEnv = Pick<Env, 'clock' | 'random' | 'schedule' | 'compute'>;
