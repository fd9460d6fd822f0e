import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import type { Address, Failure, Listener, Service } from '@d-engine/base';
import { StatusError } from '@d-engine/base';
import { isGrpcContentType, isPeerMethod, parseTimeout } from '@d-engine/wire';
import { CallBudgets, type ConnectionBudgets } from './call-budgets.ts';
import { cutOff } from './cut-off.ts';
import { headerBytesProblem, metadataOf } from './headers.ts';
import { MessageReader } from './message-reader.ts';
import {
  type NetworkSettings,
  serverConnectionWindowBytes,
  serverSettings,
} from './network-options.ts';
import { sniffProtocol } from './protocol-sniffer.ts';
import { type CallHead, endInFailure, refuseContentType, serveCall } from './server-call.ts';
import { serveStream } from './server-stream.ts';
import { formatSocketAddress, hostOfAuthority, parseSocketAddress } from './socket-address.ts';

export interface ListenHooks {
  /**
   * Takes a connection that speaks HTTP/1.1, or no protocol at all; its bytes are still to be
   * read. Without the hook such connections are dropped.
   */
  readonly http1?: (socket: Socket) => void;
  /** A connection could not be accepted, for want of file descriptors say. Others go on. */
  readonly onAcceptError?: (error: Error) => void;
}

const tcpKeepAliveMs = 60_000;

/** One port for gRPC over HTTP/2 (prior knowledge) and HTTP/1.1. */
export class GrpcListener implements Listener {
  readonly #server: Server;
  readonly #service: Service;
  readonly #settings: NetworkSettings;
  readonly #hooks: ListenHooks;
  readonly #sockets: Set<Socket> = new Set();
  /** Those that have not yet shown which protocol they speak. */
  readonly #undecided: Set<Socket> = new Set();
  readonly #sessions: Set<ServerHttp2Session> = new Set();
  readonly #budgets: CallBudgets;
  #address: Address = '';
  #closing: Promise<void> | undefined;

  constructor(service: Service, settings: NetworkSettings, hooks: ListenHooks) {
    this.#service = service;
    this.#settings = settings;
    this.#hooks = hooks;
    this.#budgets = new CallBudgets(settings);
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = settings.connectionsMax;
  }

  get address(): Address {
    return this.#address;
  }

  /** What clients make this listener hold at the moment; for tests. */
  get heldBytes(): { readonly requests: number; readonly answers: number } {
    return { requests: this.#budgets.requestBytes, answers: this.#budgets.answerBytes };
  }

  async listen(address: Address): Promise<void> {
    const target = parseSocketAddress(address);
    if (target === undefined) {
      const message = `cannot listen on '${address}': not a host:port`;
      throw new StatusError({ status: 'invalidArgument', message }, false);
    }
    const server = this.#server;
    await new Promise<void>((resolve, reject) => {
      const fail = (error: NodeJS.ErrnoException): void => {
        this.#budgets.stop();
        reject(listenError(address, error));
      };
      server.once('error', fail);
      // Exclusive: two workers of one cluster must not share a node's port.
      server.listen({ ...target, exclusive: true }, () => {
        server.off('error', fail);
        server.on('error', (error) => this.#hooks.onAcceptError?.(error));
        resolve();
      });
    });
    const bound = server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : target.port;
    this.#address = formatSocketAddress(target.host, port);
  }

  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#undecided) socket.destroy();
    for (const session of this.#sessions) session.close();
    const destroyAll = (): void => {
      for (const socket of this.#sockets) socket.destroy();
    };
    const timer = setTimeout(destroyAll, graceMs);
    if (graceMs <= 0) destroyAll();
    await closed;
    clearTimeout(timer);
    this.#budgets.stop();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    this.#undecided.add(socket);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#undecided.delete(socket);
    });
    // A lost connection: 'close' follows, and whoever has calls on it hears of it there.
    socket.on('error', () => undefined);
    socket.setKeepAlive(true, tcpKeepAliveMs);
    sniffProtocol(socket, this.#settings.sniffTimeoutMs, (protocol) => {
      this.#undecided.delete(socket);
      if (this.#closing !== undefined) socket.destroy();
      else if (protocol === 'http2') this.#serveHttp2(socket);
      else if (this.#hooks.http1 === undefined) socket.destroy();
      else this.#hooks.http1(socket);
    });
  }

  #serveHttp2(socket: Socket): void {
    const session = performServerHandshake(socket, {
      settings: serverSettings,
      maxSessionMemory: 64,
    });
    this.#sessions.add(session);
    session.on('close', () => this.#sessions.delete(session));
    // As above: the streams of the session tell of it.
    session.on('error', () => undefined);
    session.setLocalWindowSize(serverConnectionWindowBytes);
    const budgets = this.#budgets.forConnection(socket);
    session.on('stream', (stream, headers) => this.#serve(stream, headers, socket, budgets));
  }

  #serve(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    socket: Socket,
    budgets: ConnectionBudgets,
  ): void {
    // 'close' follows every error and knows its code.
    stream.on('error', () => undefined);
    if (this.#closing !== undefined) {
      // The one answer that tells the caller for certain that nothing was done.
      cutOff(stream, constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    const path = headers[':path'];
    if (!isGrpcContentType(headers['content-type']) || typeof path !== 'string') {
      refuseContentType(stream, headers);
      return;
    }
    const head = readHead(path, headers);
    const refusal = refusalOf(head, headers);
    if (refusal !== undefined) {
      endInFailure(stream, refusal);
      return;
    }
    const settings = this.#settings;
    const { method } = head;
    const encoding = headers['grpc-encoding'];
    const reader = new MessageReader(
      settings.requestBytesMax(method),
      Array.isArray(encoding) ? encoding.join() : encoding,
    );
    if (settings.isStream(method)) {
      const { sendBufferBytes } = settings;
      serveStream(stream, head, reader, this.#service, { socket, sendBufferBytes });
    } else {
      serveCall(stream, head, reader, this.#service, isPeerMethod(method) ? undefined : budgets);
    }
  }
}

function refusalOf(head: CallHead, headers: IncomingHttpHeaders): Failure | undefined {
  const problem = headerBytesProblem(headers);
  if (problem !== undefined) return { status: 'resourceExhausted', message: problem };
  if (headers['grpc-timeout'] !== undefined && head.deadlineMs === undefined) {
    const message = `grpc-timeout '${String(headers['grpc-timeout'])}' is malformed`;
    return { status: 'invalidArgument', message };
  }
  return undefined;
}

function readHead(path: string, headers: IncomingHttpHeaders): CallHead {
  const timeout = headers['grpc-timeout'];
  return {
    method: path.slice(1),
    metadata: metadataOf(headers),
    deadlineMs: typeof timeout === 'string' ? parseTimeout(timeout) : undefined,
    localHost: hostOfAuthority(headers[':authority'] ?? headers.host),
  };
}

function listenError(address: Address, error: NodeJS.ErrnoException): StatusError {
  const why =
    error.code === 'EADDRINUSE'
      ? 'the port is taken (EADDRINUSE): stop the other process or choose another port'
      : (error.code ?? error.message);
  const message = `cannot listen on ${address}: ${why}`;
  return new StatusError({ status: 'unavailable', message }, false, { cause: error });
}
