import type {
  Address,
  ByteListener,
  ByteNetwork,
  ByteStream,
  ByteStreamHandler,
  Compute,
  Listener,
  Service,
} from '@d-engine/base';
import { StatusError } from '@d-engine/base';
import type { Http2Context } from '../http2/http2-options.ts';
import { ServerConnection } from '../http2/server-connection.ts';
import { CallBudgets } from './call-budgets.ts';
import { CallDeadlines } from './call-deadlines.ts';
import { GrpcServer } from './grpc-server.ts';
import { type NetworkSettings, serverOptions } from './network-options.ts';
import type { ServerContext } from './server-context.ts';
import { isSocketAddress } from './socket-address.ts';

/** Time for the reason of a reset to get through before the stream is cut off without one. */
const resetGraceMs = 250;

/** Serves gRPC on one port. Whoever speaks anything but HTTP/2 there is dropped. */
export class GrpcListener implements Listener {
  readonly #settings: NetworkSettings;
  readonly #http2: Http2Context;
  readonly #context: ServerContext;
  readonly #readTicks: number;
  readonly #budgets: CallBudgets;
  readonly #deadlines: CallDeadlines;
  readonly #connections: Set<ServerConnection> = new Set();
  #listener: ByteListener | undefined;
  #closing: Promise<void> | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(service: Service, compute: Compute, settings: NetworkSettings, http2: Http2Context) {
    const { ticker } = http2;
    this.#settings = settings;
    this.#http2 = http2;
    this.#readTicks = ticker.ticksOf(settings.requestReadTimeoutMs);
    this.#budgets = new CallBudgets(settings, ticker);
    this.#deadlines = new CallDeadlines(http2.clock);
    this.#context = {
      service,
      compute,
      budgets: this.#budgets,
      deadlines: this.#deadlines,
      sendBufferBytes: settings.sendBufferBytes,
      resetGraceTicks: ticker.ticksOf(resetGraceMs),
    };
  }

  get address(): Address {
    return this.#listener?.address ?? '';
  }

  /** What clients make this listener hold at the moment; for tests. */
  get heldBytes(): { readonly requests: number; readonly answers: number } {
    const { requests, answers } = this.#budgets;
    return { requests: requests.heldBytes, answers: answers.heldBytes };
  }

  async listen(address: Address, bytes: Pick<ByteNetwork, 'listen'>): Promise<void> {
    if (!isSocketAddress(address)) {
      const message = `cannot listen on '${address}': not a host:port`;
      throw new StatusError({ status: 'invalidArgument', message }, false);
    }
    this.#listener = await bytes.listen(address, (stream) => this.#accept(stream));
  }

  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    const closed = this.#listener?.close();
    for (const connection of this.#connections) connection.drain();
    const emptied = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      if (this.#connections.size === 0) resolve();
    });
    const timer = this.#http2.clock.setTimer(Math.max(0, graceMs), () => this.#destroyAll());
    if (graceMs <= 0) this.#destroyAll();
    await emptied;
    timer.cancel();
    this.#deadlines.stop();
    await closed;
  }

  #destroyAll(): void {
    for (const connection of this.#connections) connection.destroy('the listener was closed');
  }

  #accept(stream: ByteStream): ByteStreamHandler {
    if (this.#closing !== undefined || this.#connections.size >= this.#settings.connectionsMax) {
      stream.destroy();
      return unwanted;
    }
    const server = new GrpcServer(this.#settings, this.#context, this.#readTicks, (connection) =>
      this.#onGone(connection),
    );
    const connection = new ServerConnection(
      (purpose) => serverOptions(this.#settings, purpose),
      this.#http2,
      () => stream,
      server,
    );
    this.#connections.add(connection);
    return connection;
  }

  #onGone(connection: ServerConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onEmpty?.();
  }
}

const unwanted: ByteStreamHandler = {
  onBytes: ignore,
  onEnd: ignore,
  onClose: ignore,
};

function ignore(): void {
  // One connection too many: it was destroyed.
}
