import type {
  Address,
  Answer,
  ByteNetwork,
  CallOptions,
  Channel,
  ChannelOptions,
  Compute,
  Failure,
  MessageStream,
  Random,
  Schedule,
  StreamHandler,
  StreamOptions,
} from '@d-engine/base';
import { StatusError } from '@d-engine/base';
import type { Http2Context } from '../http2/http2-options.ts';
import { metadataProblem } from './call-metadata.ts';
import type { ChannelContext, OpenItem } from './channel-context.ts';
import { ChannelLink } from './channel-link.ts';
import { ClientCall } from './client-call.ts';
import { ClientStream } from './client-stream.ts';
import { type NetworkSettings, openCallsMax } from './network-options.ts';
import { Patience } from './patience.ts';
import type { PlaneOptions } from './plane-options.ts';
import { ReconnectPause } from './reconnect-pause.ts';
import { RequestHeaders } from './request-headers.ts';
import { SharedSignals } from './shared-signals.ts';
import { isSocketAddress } from './socket-address.ts';

export interface ChannelParts {
  readonly bytes: ByteNetwork;
  readonly http2: Http2Context;
  readonly compute: Compute;
  readonly random: Random;
  readonly schedule: Schedule;
  readonly settings: NetworkSettings;
  readonly onClosed: (channel: GrpcChannel) => void;
}

/** One connection at a time to an address, dialled anew on the next use after each loss. */
export class GrpcChannel implements Channel, ChannelContext {
  readonly address: Address;
  readonly clock: Http2Context['clock'];
  readonly schedule: Schedule;
  readonly compute: Compute;
  readonly headers: RequestHeaders;
  readonly signals: SharedSignals = new SharedSignals();
  readonly answerBytesMax: number;
  readonly sendBufferBytes: number;
  readonly #parts: ChannelParts;
  readonly #connectTimeoutMs: number;
  readonly #options: ChannelOptions;
  readonly #plane: PlaneOptions | undefined;
  readonly #patience: Patience;
  readonly #pause: ReconnectPause;
  readonly #isAddress: boolean;
  readonly #open: Set<OpenItem> = new Set();
  #link: ChannelLink | undefined;
  /** Of `#link`; 0 before the first. */
  #connectionNumber = 0;
  /** Why the last dial failed. */
  #dialFailure: Failure | undefined;
  #isClosed = false;

  constructor(address: Address, options: ChannelOptions, parts: ChannelParts) {
    const { settings, http2 } = parts;
    const plane = options.plane === undefined ? undefined : settings.planes[options.plane];
    this.address = address;
    this.clock = http2.clock;
    this.schedule = parts.schedule;
    this.compute = parts.compute;
    this.headers = new RequestHeaders(address, settings.scheme);
    this.answerBytesMax = settings.answerBytesMax;
    this.sendBufferBytes = settings.sendBufferBytes;
    this.#parts = parts;
    this.#options = options;
    this.#plane = plane;
    this.#connectTimeoutMs =
      options.connectTimeoutMs ?? plane?.connectTimeoutMs ?? settings.connectTimeoutMs;
    // Who asked for a time of its own gets that one, each time.
    this.#patience = new Patience(plane === undefined ? 0 : settings.connectTimeoutMs);
    this.#isAddress = isSocketAddress(address);
    this.#pause = new ReconnectPause(
      http2.clock,
      parts.random,
      settings.reconnectPauseMs,
      settings.reconnectPauseMsMax,
    );
  }

  get requestTimeoutMs(): number {
    return this.#patience.extend(this.#plane?.requestTimeoutMs ?? 0);
  }

  get connectionNumber(): number {
    return this.#link?.isUsable === true ? this.#connectionNumber : this.#connectionNumber + 1;
  }

  call(method: string, request: Uint8Array, options: CallOptions): Promise<Answer> {
    const refusal = this.#refusal(options, options.signal);
    // Nothing of it has left: rejected before anything else happens.
    if (refusal !== undefined) return Promise.reject(new StatusError(refusal, false));
    const call = new ClientCall(method, request, this.#bounded(options), this);
    this.#open.add(call);
    call.begin(this.#connect());
    return call.outcome;
  }

  openStream(method: string, handler: StreamHandler, options: StreamOptions = {}): MessageStream {
    const stream = new ClientStream(method, options, handler, this);
    const refusal = this.#refusal(options, undefined);
    if (refusal !== undefined) stream.fail(refusal);
    else {
      this.#open.add(stream);
      stream.begin(this.#connect());
    }
    return stream;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const failure: Failure = { status: 'cancelled', message: 'the channel was closed' };
    for (const item of [...this.#open]) item.fail(failure);
    this.#link?.close();
    this.#parts.onClosed(this);
  }

  onSettled(item: OpenItem): void {
    this.#open.delete(item);
  }

  onRequestTaken(inTime: boolean): void {
    if (inTime) this.#patience.answered();
    else this.#patience.ranOut();
  }

  #bounded(options: CallOptions): CallOptions {
    const { requestTimeoutMs } = this;
    if (requestTimeoutMs === 0 || options.deadlineMs <= requestTimeoutMs) return options;
    return { ...options, deadlineMs: requestTimeoutMs };
  }

  #refusal(options: StreamOptions, signal: AbortSignal | undefined): Failure | undefined {
    if (this.#isClosed) return { status: 'cancelled', message: 'the channel is closed' };
    if (signal?.aborted === true) return { status: 'cancelled', message: 'the caller gave up' };
    if (this.#open.size >= openCallsMax) {
      const message = `${openCallsMax} calls to ${this.address} are open already`;
      return { status: 'resourceExhausted', message };
    }
    if (!this.#isAddress) {
      return { status: 'invalidArgument', message: `'${this.address}' is no host:port` };
    }
    const problem = options.metadata === undefined ? undefined : metadataProblem(options.metadata);
    if (problem !== undefined) return { status: 'invalidArgument', message: problem };
    return this.#link?.isUsable === true || this.#pause.isOver ? undefined : this.#dialFailure;
  }

  #connect(): ChannelLink {
    if (this.#link?.isUsable === true) return this.#link;
    const { bytes, http2, schedule, settings } = this.#parts;
    this.#connectionNumber += 1;
    this.#link = new ChannelLink({
      address: this.address,
      plane: this.#options.plane,
      bytes,
      connectTimeoutMs: this.#patience.extend(this.#connectTimeoutMs),
      settings,
      http2,
      afterPoll: (callback) => schedule.afterPoll(callback),
      onOutcome: (connected, failure) => {
        this.#dialFailure = failure;
        if (connected) this.#pause.connected();
        else this.#pause.failed();
      },
      onSlow: () => this.#patience.ranOut(),
    });
    return this.#link;
  }
}
