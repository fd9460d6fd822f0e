import { Socket } from 'node:net';
import type { Address, ByteNetwork, ByteStream, ByteStreamHandler } from '@d-engine/base';
import { StatusError } from '@d-engine/base';
import {
  type ByteConnectOptions,
  type ByteListenOptions,
  type ByteNetworkOptions,
  type ByteNetworkSettings,
  byteNetworkSettings,
  type TlsConnectOptions,
} from './byte-options.ts';
import { dialTcp, dialTls } from './dial.ts';
import { canLendReads, lendReadsTo } from './lent-reads.ts';
import { parseSocketAddress, type SocketAddress } from './socket-address.ts';
import { connectError, distrustError } from './socket-errors.ts';
import { SocketListener } from './socket-listener.ts';
import { prepareSocket } from './socket-options.ts';
import { SocketStream } from './socket-stream.ts';

/** TCP, with or without TLS. */
export class SocketNetwork implements ByteNetwork {
  readonly #settings: ByteNetworkSettings;
  readonly #listeners: Set<SocketListener> = new Set();
  /** Of streams that were opened from here. */
  readonly #sockets: Set<Socket> = new Set();

  constructor(options: ByteNetworkOptions = {}) {
    this.#settings = byteNetworkSettings(options);
  }

  /** Connections that are open or about to be, in both directions. */
  get openSockets(): number {
    let count = this.#sockets.size;
    for (const listener of this.#listeners) count += listener.openSockets;
    return count;
  }

  async listen(
    address: Address,
    onConnection: (stream: ByteStream) => ByteStreamHandler,
    options: ByteListenOptions = {},
  ): Promise<SocketListener> {
    const listener = new SocketListener(this.#settings, options, onConnection);
    await listener.listen(address);
    this.#listeners.add(listener);
    return listener;
  }

  connect(
    address: Address,
    handler: ByteStreamHandler,
    options: ByteConnectOptions = {},
  ): ByteStream {
    const target = parseSocketAddress(address);
    if (target === undefined) return this.#refuse(address, handler);
    const stream =
      options.tls === undefined
        ? this.#connectTcp(address, target)
        : this.#connectTls(address, target, options.tls);
    stream.start(handler);
    return stream;
  }

  /** Ends every listener and connection at once. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const listener of this.#listeners) {
      await listener.close();
      listener.destroySockets();
    }
  }

  #connectTcp(address: Address, target: SocketAddress): SocketStream {
    const onread = canLendReads ? lendReadsTo((bytes) => stream.received(bytes)) : undefined;
    const socket = dialTcp(target, onread);
    const stream = this.#watch(address, socket, canLendReads);
    socket.once('connect', () => stream.opened());
    return stream;
  }

  #connectTls(address: Address, target: SocketAddress, tls: TlsConnectOptions): SocketStream {
    const socket = dialTls(target, tls, (alpnProtocol) => {
      if (alpnProtocol === 'h2') stream.opened();
      else stream.fail(distrustError(address, 'the server does not offer HTTP/2 over TLS (ALPN)'));
    });
    const stream = this.#watch(address, socket, false);
    return stream;
  }

  #watch(address: Address, socket: Socket, readsAreLent: boolean): SocketStream {
    const { sendBufferBytes, connectTimeoutMs } = this.#settings;
    this.#sockets.add(socket);
    prepareSocket(socket, this.#settings);
    const stream = new SocketStream(socket, { sendBufferBytes, dialled: address, readsAreLent });
    const giveUp = (): void => {
      if (stream.isOpen) return;
      stream.fail(connectError(address, `no answer within ${connectTimeoutMs} ms`));
    };
    // The loop may have been blocked: what arrived meanwhile is read before judging.
    const timer = setTimeout(() => setImmediate(giveUp), connectTimeoutMs);
    socket.once('close', () => {
      clearTimeout(timer);
      this.#sockets.delete(socket);
    });
    return stream;
  }

  #refuse(address: Address, handler: ByteStreamHandler): ByteStream {
    const { sendBufferBytes } = this.#settings;
    const options = { sendBufferBytes, dialled: address, readsAreLent: true };
    const stream = new SocketStream(new Socket(), options);
    stream.start(handler);
    const message = `cannot connect to '${address}': not a host:port`;
    stream.fail(new StatusError({ status: 'invalidArgument', message }, false));
    return stream;
  }
}
