import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Address, ByteListener, ByteStream, ByteStreamHandler } from '@d-engine/base';
import { StatusError } from '@d-engine/base';
import type { ByteListenOptions, ByteNetworkSettings } from './byte-options.ts';
import { readFirstBytes } from './first-bytes.ts';
import { moveToLentReads } from './lent-reads.ts';
import { formatSocketAddress, parseSocketAddress } from './socket-address.ts';
import { listenError, refusalError } from './socket-errors.ts';
import { prepareSocket } from './socket-options.ts';
import { SocketStream } from './socket-stream.ts';
import { callerCertificate } from './tls-caller.ts';
import { createTlsServer } from './tls-server.ts';

/** A port that takes TCP connections, with or without TLS. */
export class SocketListener implements ByteListener {
  readonly #settings: ByteNetworkSettings;
  readonly #options: ByteListenOptions;
  readonly #onConnection: (stream: ByteStream) => ByteStreamHandler;
  readonly #server: Server;
  readonly #forgetReloads: () => void;
  /** As the server took them, with what stands for them now: what is destroyed to end them. */
  readonly #sockets: Map<Socket, Socket> = new Map();
  /** Those in a handshake, or that have not yet shown which protocol they speak. */
  readonly #undecided: Map<string, Socket> = new Map();
  #address: Address = '';
  #closed = false;

  constructor(
    settings: ByteNetworkSettings,
    options: ByteListenOptions,
    onConnection: (stream: ByteStream) => ByteStreamHandler,
  ) {
    this.#settings = settings;
    this.#options = options;
    this.#onConnection = onConnection;
    const { tls } = options;
    if (tls === undefined) {
      this.#forgetReloads = () => undefined;
      this.#server = createServer({ allowHalfOpen: true });
    } else {
      const { server, forgetReloads } = createTlsServer(tls, {
        // Who offers both is a browser or curl, and wants the API in JSON; gRPC offers h2 alone.
        alpnProtocols: options.http1 === undefined ? ['h2'] : ['http/1.1', 'h2'],
        handshakeTimeoutMs: settings.sniffTimeoutMs,
        onSecured: (socket) => this.#secured(socket),
        onRefused: (error) => options.onAcceptError?.(error),
      });
      this.#forgetReloads = forgetReloads;
      this.#server = server;
    }
    // Before the TLS server's own, which takes the socket over.
    this.#server.prependListener('connection', (socket: Socket) => this.#admit(socket));
    if (tls === undefined) this.#server.on('connection', (socket) => this.#tellApart(socket));
    this.#server.maxConnections = settings.connectionsMax;
  }

  get address(): Address {
    return this.#address;
  }

  /** Connections that are open, in whatever state. */
  get openSockets(): number {
    return this.#sockets.size;
  }

  async listen(address: Address): Promise<void> {
    const target = parseSocketAddress(address);
    if (target === undefined) {
      const message = `cannot listen on '${address}': not a host:port`;
      throw new StatusError({ status: 'invalidArgument', message }, false);
    }
    const server = this.#server;
    const { backlog } = this.#settings;
    await new Promise<void>((resolve, reject) => {
      const fail = (error: NodeJS.ErrnoException): void => {
        this.#forgetReloads();
        reject(listenError(address, error));
      };
      server.once('error', fail);
      // Exclusive: two workers of one cluster must not share a node's port.
      server.listen({ ...target, backlog, exclusive: true }, () => {
        server.off('error', fail);
        server.on('error', (error) => this.#options.onAcceptError?.(error));
        resolve();
      });
    });
    const bound = server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : target.port;
    this.#address = formatSocketAddress(target.host, port);
  }

  /** The port is free when this returns; Node's own waits for the last connection to end. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#forgetReloads();
    this.#server.close();
    for (const socket of this.#undecided.values()) socket.destroy();
  }

  /** Drops every connection that it took. */
  destroySockets(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
  }

  #admit(socket: Socket): void {
    const key = keyOf(socket);
    this.#sockets.set(socket, socket);
    this.#undecided.set(key, socket);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      if (this.#undecided.get(key) === socket) this.#undecided.delete(key);
    });
    // 'close' follows, and whoever has the stream hears of it there.
    socket.on('error', () => undefined);
    prepareSocket(socket, this.#settings);
  }

  #secured(socket: TLSSocket): void {
    if (socket.alpnProtocol === 'h2') this.#serve(socket);
    else if (socket.alpnProtocol === 'http/1.1') this.#serveHttp1(socket);
    else this.#tellApart(socket);
  }

  #tellApart(socket: Socket): void {
    if (this.#options.http1 === undefined) {
      this.#serve(socket);
      return;
    }
    readFirstBytes(socket, this.#settings.sniffTimeoutMs, (protocol, firstBytes) => {
      if (protocol === 'http2') {
        this.#serve(socket, firstBytes);
        return;
      }
      if (firstBytes[0] === tlsHandshakeByte) this.#tellOfTls(socket);
      socket.unshift(firstBytes);
      this.#serveHttp1(socket);
      socket.resume();
    });
  }

  #tellOfTls(socket: Socket): void {
    const why = 'it speaks TLS, and this port does not';
    this.#options.onAcceptError?.(refusalError(socket.remoteAddress, why));
  }

  #serveHttp1(socket: Socket): void {
    this.#undecided.delete(keyOf(socket));
    this.#options.http1?.(socket);
  }

  #serve(accepted: Socket, firstBytes?: Buffer): void {
    this.#undecided.delete(keyOf(accepted));
    const { tls } = this.#options;
    const isPlain = tls === undefined;
    const asksCallers = tls?.clientAuth === 'required' && accepted instanceof TLSSocket;
    const lent = isPlain ? moveToLentReads(accepted, (bytes) => stream.received(bytes)) : undefined;
    if (lent !== undefined) this.#sockets.set(accepted, lent);
    const stream = new SocketStream(lent ?? accepted, {
      sendBufferBytes: this.#settings.sendBufferBytes,
      readsAreLent: lent !== undefined,
      certificate: asksCallers ? callerCertificate(accepted) : undefined,
      ...(firstBytes === undefined ? {} : { firstBytes }),
    });
    stream.start(this.#onConnection(stream));
  }
}

/** Of a record that begins a handshake (RFC 8446, section 5.1). */
const tlsHandshakeByte = 0x16;

/** Of the connection, whichever object stands for it: TLS makes one of its own. */
function keyOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
