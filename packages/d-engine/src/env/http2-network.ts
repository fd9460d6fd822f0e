import type { Address, Channel, ChannelOptions, Listener, Network, Service } from '@d-engine/base';
import { GrpcChannel } from './grpc/client-channel.ts';
import { GrpcListener, type ListenHooks } from './grpc/grpc-listener.ts';
import { type NetworkOptions, networkSettings } from './grpc/network-options.ts';

export type { ListenHooks } from './grpc/grpc-listener.ts';
export type { NetworkOptions } from './grpc/network-options.ts';

/** gRPC over node:http2, without TLS, behind the message interface of `base`. */
export interface Http2Network extends Network {
  /** The port also takes HTTP/1.1 connections, for `hooks.http1`. */
  listen(address: Address, service: Service, hooks?: ListenHooks): Promise<GrpcListener>;
  /** Closes every channel and listener that is still open, without grace. */
  close(): Promise<void>;
}

export function createHttp2Network(options: NetworkOptions = {}): Http2Network {
  const settings = networkSettings(options);
  const channels = new Set<Channel>();
  const listeners = new Set<Listener>();
  return {
    async listen(address, service, hooks = {}) {
      const listener = new GrpcListener(service, settings, hooks);
      await listener.listen(address);
      listeners.add(listener);
      return listener;
    },
    connect(address: Address, channelOptions: ChannelOptions = {}) {
      const connectTimeoutMs = channelOptions.connectTimeoutMs ?? settings.connectTimeoutMs;
      const channel: Channel = new GrpcChannel(address, connectTimeoutMs, settings, () =>
        channels.delete(channel),
      );
      channels.add(channel);
      return channel;
    },
    async close() {
      for (const channel of [...channels]) channel.close();
      await Promise.all([...listeners].map((listener) => listener.close(0)));
      listeners.clear();
    },
  };
}
