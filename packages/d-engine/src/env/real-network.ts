import type { Socket } from 'node:net';
import type { Address, Channel, ChannelOptions, Network, Service } from '@d-engine/base';
import { type GrpcEnv, type GrpcListener, GrpcNetwork, type NetworkOptions } from '@d-engine/wire';
import { SocketNetwork } from './bytes/byte-network.ts';
import type { ByteNetworkOptions } from './bytes/byte-options.ts';

export interface RealNetworkOptions {
  readonly grpc?: NetworkOptions;
  readonly sockets?: ByteNetworkOptions;
}

export interface ListenHooks {
  /**
   * Takes a connection that speaks HTTP/1.1, or no protocol at all; its bytes are still to be
   * read. Without the hook such connections are dropped.
   */
  readonly http1?: (socket: Socket) => void;
  /** A connection could not be accepted, for want of file descriptors say. Others go on. */
  readonly onAcceptError?: (error: Error) => void;
}

/** gRPC over TCP; one port serves HTTP/1.1 too. */
export class RealNetwork implements Network {
  readonly #sockets: SocketNetwork;
  readonly #grpc: GrpcNetwork;

  constructor(env: GrpcEnv, options: RealNetworkOptions = {}) {
    this.#sockets = new SocketNetwork(options.sockets);
    this.#grpc = new GrpcNetwork(env, this.#sockets, options.grpc);
  }

  listen(address: Address, service: Service, hooks: ListenHooks = {}): Promise<GrpcListener> {
    return this.#grpc.listen(address, service, {
      listen: (port, onConnection) => this.#sockets.listen(port, onConnection, hooks),
    });
  }

  connect(address: Address, options?: ChannelOptions): Channel {
    return this.#grpc.connect(address, options);
  }

  /** Closes every channel, listener and connection that is still open, without grace. */
  async close(): Promise<void> {
    await this.#grpc.close();
    await this.#sockets.close();
  }
}
