import type { Socket } from 'node:net';
import type {
  Address,
  ByteNetwork,
  Channel,
  ChannelOptions,
  Network,
  Service,
} from '@d-engine/base';
import { assert } from '@d-engine/base';
import { type GrpcEnv, type GrpcListener, GrpcNetwork, type NetworkOptions } from '@d-engine/wire';
import { SocketNetwork } from './bytes/byte-network.ts';
import type {
  ByteListenOptions,
  ByteNetworkOptions,
  TlsConnectOptions,
  TlsListenOptions,
} from './bytes/byte-options.ts';

export interface RealNetworkOptions {
  readonly grpc?: NetworkOptions;
  readonly sockets?: ByteNetworkOptions;
  /** Encrypts every port and every connection of the network. */
  readonly tls?: NetworkTls | undefined;
}

export interface NetworkTls {
  /** A network without it opens no port. */
  readonly listen?: TlsListenOptions;
  readonly connect: TlsConnectOptions;
}

export interface ListenHooks {
  /**
   * Takes a connection that speaks HTTP/1.1, or no protocol at all; its bytes are still to be
   * read. Without the hook such connections are dropped.
   */
  readonly http1?: (socket: Socket) => void;
  /** A connection was not taken: no TLS, no file descriptor, ... Others go on. */
  readonly onAcceptError?: (error: Error) => void;
}

/** gRPC over TCP; one port serves HTTP/1.1 too. */
export class RealNetwork implements Network {
  readonly #sockets: SocketNetwork;
  readonly #grpc: GrpcNetwork;
  readonly #tls: NetworkTls | undefined;

  constructor(env: GrpcEnv, options: RealNetworkOptions = {}) {
    const { tls } = options;
    const sockets = new SocketNetwork(options.sockets);
    this.#tls = tls;
    this.#sockets = sockets;
    const bytes: ByteNetwork = {
      listen: (address, onConnection) => sockets.listen(address, onConnection, this.#securely({})),
      connect: (address, handler) =>
        sockets.connect(address, handler, tls === undefined ? {} : { tls: tls.connect }),
    };
    const scheme = tls === undefined ? 'http' : 'https';
    this.#grpc = new GrpcNetwork(env, bytes, { ...options.grpc, scheme });
  }

  listen(address: Address, service: Service, hooks: ListenHooks = {}): Promise<GrpcListener> {
    return this.#grpc.listen(address, service, {
      listen: (port, onConnection) =>
        this.#sockets.listen(port, onConnection, this.#securely(hooks)),
    });
  }

  connect(address: Address, options?: ChannelOptions): Channel {
    return this.#grpc.connect(address, options);
  }

  batch(work: () => void): void {
    this.#grpc.batch(work);
  }

  #securely(hooks: ListenHooks): ByteListenOptions {
    if (this.#tls === undefined) return hooks;
    const { listen } = this.#tls;
    assert(listen !== undefined, 'a port of this network needs a certificate');
    return { ...hooks, tls: listen };
  }

  /** Closes every channel, listener and connection that is still open, without grace. */
  async close(): Promise<void> {
    await this.#grpc.close();
    await this.#sockets.close();
  }
}
