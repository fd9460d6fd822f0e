import type {
  Address,
  Answer,
  CallOptions,
  Channel,
  Failure,
  MessageStream,
  StreamHandler,
  StreamOptions,
} from '@d-engine/base';
import { StatusError } from '@d-engine/base';
import { ClientCall } from './client-call.ts';
import { ClientConnection } from './client-connection.ts';
import { ClientStream } from './client-stream.ts';
import { metadataProblem } from './headers.ts';
import { type NetworkSettings, openCallsMax } from './network-options.ts';
import { parseSocketAddress } from './socket-address.ts';

/** One connection at a time to an address, dialled anew on the next use after each loss. */
export class GrpcChannel implements Channel {
  readonly address: Address;
  readonly #settings: NetworkSettings;
  readonly #connectTimeoutMs: number;
  readonly #onClosed: () => void;
  readonly #open: Set<ClientCall | ClientStream> = new Set();
  #connection: ClientConnection | undefined;
  /** Of `#connection`; 0 before the first. */
  #connectionNumber = 0;
  #closed = false;

  constructor(
    address: Address,
    connectTimeoutMs: number,
    settings: NetworkSettings,
    onClosed: () => void,
  ) {
    this.address = address;
    this.#connectTimeoutMs = connectTimeoutMs;
    this.#settings = settings;
    this.#onClosed = onClosed;
  }

  get connectionNumber(): number {
    return this.#connection?.usable === true ? this.#connectionNumber : this.#connectionNumber + 1;
  }

  call(method: string, request: Uint8Array, options: CallOptions): Promise<Answer> {
    const refusal = this.#refusal(options);
    // Nothing of it has left: rejected before anything else happens.
    if (refusal !== undefined) return Promise.reject(new StatusError(refusal, false));
    const call = new ClientCall({
      method,
      request,
      options,
      answerBytesMax: this.#settings.answerBytesMax,
      onSettled: () => this.#open.delete(call),
    });
    this.#open.add(call);
    call.begin(this.#connect());
    return call.outcome;
  }

  openStream(method: string, handler: StreamHandler, options: StreamOptions = {}): MessageStream {
    const stream = new ClientStream({
      method,
      metadata: options.metadata ?? {},
      handler,
      answerBytesMax: this.#settings.answerBytesMax,
      sendBufferBytes: this.#settings.sendBufferBytes,
      onSettled: () => this.#open.delete(stream),
    });
    const refusal = this.#refusal(options);
    if (refusal !== undefined) stream.fail(refusal);
    else {
      this.#open.add(stream);
      stream.begin(this.#connect());
    }
    return stream;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const failure: Failure = { status: 'cancelled', message: 'the channel was closed' };
    for (const item of [...this.#open]) item.fail(failure);
    this.#connection?.close();
    this.#onClosed();
  }

  #refusal(options: StreamOptions & { readonly signal?: AbortSignal }): Failure | undefined {
    if (this.#closed) return { status: 'cancelled', message: 'the channel is closed' };
    if (options.signal?.aborted) return { status: 'cancelled', message: 'the caller gave up' };
    if (this.#open.size >= openCallsMax) {
      const message = `${openCallsMax} calls to ${this.address} are open already`;
      return { status: 'resourceExhausted', message };
    }
    if (parseSocketAddress(this.address) === undefined) {
      return { status: 'invalidArgument', message: `'${this.address}' is no host:port` };
    }
    const problem = options.metadata === undefined ? undefined : metadataProblem(options.metadata);
    return problem === undefined ? undefined : { status: 'invalidArgument', message: problem };
  }

  #connect(): ClientConnection {
    if (this.#connection?.usable === true) return this.#connection;
    this.#connectionNumber += 1;
    this.#connection = new ClientConnection(
      this.address,
      parseSocketAddress(this.address) ?? { host: '', port: 0 },
      this.#connectTimeoutMs,
      this.#settings,
      () => this.#open.size > 0,
    );
    return this.#connection;
  }
}
