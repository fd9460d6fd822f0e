import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Address } from '@d-engine/base';
import { Dispatcher, type DispatcherOptions } from './dispatcher.ts';
import { answerMalformed, answerTooManyConnections } from './raw-answer.ts';

export interface ListeningPort {
  readonly port: number;
  close(): Promise<void>;
}

/** What goes on over one connection. */
interface Connection {
  /** Requests without a finished answer; several only when the caller pipelines. */
  readonly exchanges: Set<Exchange>;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** An HTTP/1.1 server for sockets that others accepted, and for a port of its own. */
export class HttpPort {
  readonly #server: Server;
  readonly #dispatcher: Dispatcher;
  readonly #options: Omit<DispatcherOptions, 'closing'>;
  readonly #connections = new Map<Socket, Connection>();
  #closing = false;
  #onLastClosed: (() => void) | undefined;

  constructor(options: Omit<DispatcherOptions, 'closing'>) {
    this.#options = options;
    this.#dispatcher = new Dispatcher({ ...options, closing: () => this.#closing });
    const { limits } = options;
    this.#server = createServer({
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.headersTimeoutMs + limits.requestTimeoutMs,
      connectionsCheckingInterval: limits.timeoutCheckIntervalMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      // Refused by our own code, with an answer in JSON.
      requireHostHeader: false,
    });
    // Node silently drops headers past the 2000th, and some of ours decide who may call.
    this.#server.maxHeadersCount = 0;
    const serve = (request: IncomingMessage, response: ServerResponse): void => {
      this.#serve(request, response);
    };
    this.#server.on('connection', (socket: Socket) => this.#track(socket));
    this.#server.on('request', serve);
    // Bodies that are waited for with "Expect: 100-continue" are asked for after the checks.
    this.#server.on('checkContinue', serve);
    this.#server.on('clientError', (error: Error, socket) => {
      this.#onMalformed(error, socket as Socket);
    });
    // Node looks after its timeouts only from this event on, and a server that gets its sockets
    // handed in never listens. A test holds us to it on every version of Node.
    this.#server.emit('listening');
  }

  /** Takes over a connection; bytes already read must have been unshifted. */
  accept(socket: Socket): void {
    socket.setNoDelay(true);
    this.#server.emit('connection', socket);
    // Whoever looked at the first bytes has paused it, and a paused one stays so.
    socket.resume();
  }

  listen(host: string, port: number): Promise<ListeningPort> {
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        const address = server.address();
        const actual = typeof address === 'object' && address !== null ? address.port : port;
        resolve({ port: actual, close: () => this.close(0) });
      });
    });
  }

  /** Lets requests in progress finish for `graceMs`, then cuts all connections. Idempotent. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    this.#server.close(() => undefined);
    for (const [socket, connection] of this.#connections) {
      if (connection.exchanges.size === 0) socket.destroy();
    }
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#cutAll(), graceMs);
      this.#onLastClosed = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #cutAll(): void {
    for (const socket of this.#connections.keys()) socket.destroy();
  }

  #track(socket: Socket): void {
    const { limits, series } = this.#options;
    const refused = this.#closing || this.#connections.size >= limits.connectionsMax;
    this.#connections.set(socket, { exchanges: new Set() });
    series.connections.set(this.#connections.size);
    socket.once('close', () => {
      this.#connections.delete(socket);
      series.connections.set(this.#connections.size);
      if (this.#connections.size === 0) this.#onLastClosed?.();
    });
    if (!refused) return;
    series.connectionsRefused.add();
    if (this.#closing) socket.destroy();
    else answerTooManyConnections(socket, limits.connectionsMax);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const exchanges = this.#connections.get(request.socket)?.exchanges;
    const exchange = { request, response };
    exchanges?.add(exchange);
    response.once('close', () => exchanges?.delete(exchange));
    // A caller that goes away is heard of through `close`; unheard, this would be thrown.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    this.#dispatcher.serve(request, response).catch((error: unknown) => {
      this.#options.logger.error('serving an HTTP request failed', { error: String(error) });
      response.destroy();
    });
  }

  /** Not HTTP, over a limit, or too slow. The parser is gone, and so will be the connection. */
  #onMalformed(error: Error, socket: Socket): void {
    const exchanges = [...(this.#connections.get(socket)?.exchanges ?? [])];
    // An answer can be given only for the request that is due; a later one's would pass for it.
    const [first, second] = exchanges;
    const due =
      second === undefined &&
      (first === undefined || (!first.request.complete && !first.response.headersSent));
    if (due) answerMalformed(socket, error, this.#options.limits);
    else socket.destroy();
  }
}

/** Splits `host:port`, where IPv6 hosts stand in brackets. */
export function splitAddress(address: Address): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(address.slice(colon + 1)) };
}
