import {
  BatchReader,
  type Clock,
  type Counter,
  DEngineError,
  type ErrorName,
  type Failure,
  type MessageStream,
  type Metrics,
  type Random,
  StatusError,
  type StreamHandler,
  type Timer,
} from '@d-engine/base';
import { type AttemptFailure, failureOfCall } from '../attempt-failure.ts';
import type { ClusterCheck } from '../cluster-check.ts';
import type { Endpoint, EndpointPool } from '../endpoint-pool.ts';
import { type Closing, OperationScope } from '../operation-scope.ts';
import { Backoff } from '../retry-policy.ts';

/** What one message of a stream comes to. */
export interface Accepted<Batch> {
  readonly batch?: Batch | undefined;
  /** The stream is over: another one goes on, or nothing does. */
  readonly end?: 'again' | DEngineError | undefined;
}

/** What a stream carries, and how the next one goes on where the last one ended. */
export interface StreamProtocol<Batch> {
  readonly method: string;
  /** A stream that says nothing for so long is given up; undefined: never. */
  readonly silentMsMax: number | undefined;
  /** A new stream begins with this. */
  request(): Uint8Array;
  accept(message: Uint8Array): Accepted<Batch>;
}

export interface FollowerOptions {
  readonly pool: EndpointPool;
  readonly check: ClusterCheck;
  readonly clock: Clock;
  readonly random: Random;
  readonly closing: Closing;
  readonly metrics: Metrics;
  /** Time for a member to answer at first. */
  readonly answerMs: number;
}

type Ending =
  | { readonly type: 'again' }
  | { readonly type: 'error'; readonly error: DEngineError }
  | { readonly type: 'failure'; readonly failure: AttemptFailure };

/** Retrying elsewhere helps against none of these. */
const hopeless: ReadonlySet<ErrorName> = new Set<ErrorName>([
  'InvalidRequest',
  'RequestTooLarge',
  'Unsupported',
  'Forbidden',
  'InvalidResponse',
]);
/** And against these only if not all endpoints say so. */
const hopelessTogether: ReadonlySet<ErrorName> = new Set<ErrorName>(['WrongCluster', 'TlsFailed']);

/** Batches that wait for their reader; above that the member is made to wait. */
const waitingBatchesMax = 1_024;
const waitingBytesMax = 4_194_304;
const coolingMs = { lost: 50, refused: 1_000 } as const;

/**
 * Follows a stream of one member after another: when one is lost, is silent or says no, the next
 * goes on from where it ended. The reader notices nothing of that but the time it takes.
 */
export class StreamFollower<Batch> {
  readonly reader: BatchReader<Batch>;
  readonly #options: FollowerOptions;
  readonly #protocol: StreamProtocol<Batch>;
  readonly #streams: Counter;
  /** Aborts when nobody reads any more. */
  readonly #left = new AbortController();
  readonly #onClosing = (): void => this.#fail(new DEngineError('Stopped', 'the client is closed'));
  #waiting: { readonly batch: Batch; readonly bytes: number }[] = [];
  #waitingBytes = 0;
  #current: MessageStream | undefined;
  #isPaused = false;

  constructor(
    options: FollowerOptions,
    protocol: StreamProtocol<Batch>,
    signal: AbortSignal | undefined,
  ) {
    this.#options = options;
    this.#protocol = protocol;
    this.#streams = options.metrics.counter(
      'd_engine_client_watch_streams_total',
      'Streams of watches that were opened, those after a lost one included.',
    );
    const { closing } = options;
    this.reader = new BatchReader<Batch>(
      { take: () => this.#take(), close: () => this.#leave() },
      signal,
    );
    closing.add(this.#onClosing);
    if (closing.closed) this.#onClosing();
    else this.#follow().catch((error: unknown) => this.#onDefect(error));
  }

  #take(): Batch | undefined {
    const first = this.#waiting.shift();
    if (first === undefined) return undefined;
    this.#waitingBytes -= first.bytes;
    if (this.#isPaused && this.#waiting.length * 2 <= waitingBatchesMax && !this.#isFull) {
      this.#isPaused = false;
      this.#current?.resume();
    }
    return first.batch;
  }

  get #isFull(): boolean {
    return this.#waiting.length >= waitingBatchesMax || this.#waitingBytes >= waitingBytesMax;
  }

  /** One member after another, until nobody reads any more. */
  async #follow(): Promise<void> {
    const { pool, random } = this.#options;
    let backoff = new Backoff(random);
    const tried = new Set<Endpoint>();
    const failures = new Set<ErrorName>();
    while (!this.#left.signal.aborted) {
      const endpoint = pool.choose('any', tried);
      if (endpoint === undefined) {
        const [name] = failures;
        if (failures.size === 1 && name !== undefined && hopelessTogether.has(name)) {
          this.#fail(new DEngineError(name, 'no endpoint can be used for the watch'));
          return;
        }
        await this.#scope().wait(backoff.next(undefined));
        tried.clear();
        failures.clear();
        continue;
      }
      tried.add(endpoint);
      const { ending, answered } = await this.#visit(endpoint);
      if (answered) {
        backoff = new Backoff(random);
        tried.clear();
      }
      if (ending === undefined) return;
      if (ending.type === 'error') {
        this.#fail(ending.error);
        return;
      }
      if (ending.type === 'failure') {
        const { error } = ending.failure;
        if (hopeless.has(error.name)) {
          this.#fail(error);
          return;
        }
        failures.add(error.name);
        this.#learn(endpoint, ending.failure);
        tried.add(endpoint);
      }
    }
  }

  /** Undefined: nobody reads any more. */
  async #visit(endpoint: Endpoint): Promise<{ ending: Ending | undefined; answered: boolean }> {
    if (endpoint.verifiedConnection !== endpoint.channel.connectionNumber) {
      const failure = await this.#options.check.verify(endpoint, this.#scope());
      if (failure !== undefined) return { ending: { type: 'failure', failure }, answered: false };
    }
    if (this.#left.signal.aborted) return { ending: undefined, answered: false };
    return this.#listen(endpoint);
  }

  /** Of what is being waited for now. */
  #scope(): OperationScope {
    const { clock, closing, answerMs } = this.#options;
    return new OperationScope(clock, closing, answerMs, { signal: this.#left.signal });
  }

  #listen(endpoint: Endpoint): Promise<{ ending: Ending | undefined; answered: boolean }> {
    this.#streams.add();
    return new Promise((resolve) => {
      const visit = new Visit(this.#options, this.#protocol, {
        onBatch: (batch, bytes) => this.#onBatch(batch, bytes),
        isPaused: () => this.#isPaused,
        onEnd: (ending) => {
          this.#current = undefined;
          this.#isPaused = false;
          resolve({ ending, answered: visit.answered });
        },
      });
      this.#current = visit.open(endpoint);
      // What waits from the last stream may hold up this one at once.
      if (this.#isFull) this.#pause();
    });
  }

  #onBatch(batch: Batch, bytes: number): void {
    this.#waiting.push({ batch, bytes });
    this.#waitingBytes += bytes;
    if (this.#isFull) this.#pause();
    this.reader.wake();
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#current?.pause();
  }

  #learn(endpoint: Endpoint, { error, source }: AttemptFailure): void {
    const { pool } = this.#options;
    if (source === 'server' || source === 'silent') {
      pool.avoid(endpoint, error.retryAfterMs ?? coolingMs.refused);
    } else pool.avoid(endpoint, coolingMs.lost);
  }

  #fail(error: DEngineError): void {
    this.reader.fail(error);
  }

  #onDefect(thrown: unknown): void {
    const text = 'following a watch failed, a defect: please report it';
    this.#fail(new DEngineError('General', text, { cause: thrown }));
  }

  #leave(): void {
    this.#options.closing.remove(this.#onClosing);
    this.#left.abort();
    this.#waiting = [];
    this.#current?.reset({ status: 'cancelled', message: 'the watch has ended' });
  }
}

interface VisitObserver<Batch> {
  onBatch(batch: Batch, bytes: number): void;
  /** Whether the member is being made to wait: its silence says nothing then. */
  isPaused(): boolean;
  onEnd(ending: Ending): void;
}

/** One stream of one member, from its request to its end. */
class Visit<Batch> implements StreamHandler {
  readonly #options: FollowerOptions;
  readonly #protocol: StreamProtocol<Batch>;
  readonly #observer: VisitObserver<Batch>;
  #stream: MessageStream | undefined;
  #timer: Timer | undefined;
  #heardAtMs = 0;
  #answered = false;
  #isOver = false;

  constructor(
    options: FollowerOptions,
    protocol: StreamProtocol<Batch>,
    observer: VisitObserver<Batch>,
  ) {
    this.#options = options;
    this.#protocol = protocol;
    this.#observer = observer;
  }

  get answered(): boolean {
    return this.#answered;
  }

  open(endpoint: Endpoint): MessageStream {
    this.#heardAtMs = this.#options.clock.monotonicMs();
    const stream = endpoint.channel.openStream(this.#protocol.method, this);
    this.#stream = stream;
    stream.send(this.#protocol.request());
    stream.end();
    this.#watchSilence();
    return stream;
  }

  onMessage(message: Uint8Array): void {
    if (this.#isOver) return;
    this.#heardAtMs = this.#options.clock.monotonicMs();
    this.#answered = true;
    const { batch, end } = this.#protocol.accept(message);
    if (batch !== undefined) this.#observer.onBatch(batch, message.length);
    if (end === undefined) return;
    this.#end(end === 'again' ? { type: 'again' } : { type: 'error', error: end });
    this.#stream?.reset({ status: 'cancelled', message: 'another stream goes on' });
  }

  onEnd(): void {
    this.#end({ type: 'again' });
  }

  onClose(failure: Failure | undefined): void {
    if (failure === undefined) return this.#end({ type: 'again' });
    this.#end({ type: 'failure', failure: failureOfCall(new StatusError(failure, true), 'read') });
  }

  /** Before the first message as long as any member has to answer, then as the protocol says. */
  #watchSilence(): void {
    const limitMs = this.#answered ? this.#protocol.silentMsMax : this.#options.answerMs;
    if (limitMs === undefined) return;
    const { clock } = this.#options;
    const leftMs = this.#heardAtMs + limitMs - clock.monotonicMs();
    const isPaused = this.#observer.isPaused();
    if (leftMs <= 0 && !isPaused) {
      const text = `the member said nothing for ${limitMs} ms`;
      const error = new DEngineError('ConnectionTimeout', text);
      this.#end({ type: 'failure', failure: { error, source: 'silent', refused: true } });
      this.#stream?.reset({ status: 'cancelled', message: text });
      return;
    }
    const delayMs = isPaused ? limitMs : Math.max(leftMs, 1);
    this.#timer = clock.setTimer(delayMs, () => {
      if (this.#observer.isPaused()) this.#heardAtMs = clock.monotonicMs();
      this.#watchSilence();
    });
  }

  #end(ending: Ending): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    this.#observer.onEnd(ending);
  }
}
