import type { Clock, IncomingCall, IncomingStream, StreamHandler, Timer } from '@d-engine/base';
import { MalformedMessage } from '@d-engine/base';
import type { ServingStatus } from '@d-engine/wire';
import { decodeHealthCheckRequest, encodeHealthCheckResponse, services } from '@d-engine/wire';

/** How soon a watcher hears of a change. */
const lookIntervalMs = 1_000;

/** `grpc.health.v1`: what load balancers ask of any gRPC server. */
export class Health {
  readonly #clock: Clock;
  readonly #isReady: () => boolean;

  constructor(options: { clock: Clock; isReady: () => boolean }) {
    this.#clock = options.clock;
    this.#isReady = options.isReady;
  }

  check(call: IncomingCall): void {
    const { service } = decodeHealthCheckRequest(call.request);
    const status = this.statusOf(service);
    if (status === 'serviceUnknown') {
      call.fail({ status: 'notFound', message: `no service ${service} here` });
    } else call.reply(encodeHealthCheckResponse({ status }));
  }

  /** The status at once, and again whenever it is another one. */
  watch(stream: IncomingStream): StreamHandler {
    return new HealthWatch(stream, this.#clock, (service) => this.statusOf(service));
  }

  /** Without a name: of the server as a whole. All services of a member are ready together. */
  statusOf(service: string): ServingStatus {
    const isKnown = service === '' || (Object.values(services) as string[]).includes(service);
    if (!isKnown) return 'serviceUnknown';
    return this.#isReady() ? 'serving' : 'notServing';
  }
}

class HealthWatch implements StreamHandler {
  readonly #stream: IncomingStream;
  readonly #clock: Clock;
  readonly #statusOf: (service: string) => ServingStatus;
  #service: string | undefined;
  #told: ServingStatus | undefined;
  #timer: Timer | undefined;

  constructor(stream: IncomingStream, clock: Clock, statusOf: (service: string) => ServingStatus) {
    this.#stream = stream;
    this.#clock = clock;
    this.#statusOf = statusOf;
  }

  onMessage(message: Uint8Array): void {
    if (this.#service !== undefined) {
      this.#stream.reset({ status: 'invalidArgument', message: 'a watch has one request' });
      return;
    }
    try {
      this.#service = decodeHealthCheckRequest(message).service;
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      const problem = `unreadable request: ${error.message}`;
      this.#stream.reset({ status: 'invalidArgument', message: problem });
      return;
    }
    this.#look(this.#service);
  }

  onClose(): void {
    this.#timer?.cancel();
  }

  #look(service: string): void {
    const status = this.#statusOf(service);
    if (status !== this.#told) this.#stream.send(encodeHealthCheckResponse({ status }));
    this.#told = status;
    this.#timer = this.#clock.setTimer(lookIntervalMs, () => this.#look(service));
  }
}
