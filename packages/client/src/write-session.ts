import type { Clock, RequestOptions, SessionId, SessionStamp, WriteCommand } from '@d-engine/base';
import { asNeverApplied, DEngineError, idempotencySession } from '@d-engine/base';
import type { WriteOutcome } from '@d-engine/wire';

/** The cluster forgets a session that was not used this long; the client far earlier. */
const sessionTtlMs = 60_000;
/** A session that nobody used this long may be over when the next write arrives. */
const trustedMs = sessionTtlMs / 2;

/** Sends one command, with a stamp if it rides on a session, within the time of the options. */
export type SendWrite = (
  name: string,
  command: WriteCommand,
  session: SessionStamp | undefined,
  options: RequestOptions,
) => Promise<WriteOutcome>;

/** A session of the cluster, as its only writer knows it. */
interface OpenSession {
  readonly id: SessionId;
  nextSequence: number;
  /** In the order of their numbers. */
  readonly inFlight: Set<number>;
  /** When the last write was sent of which an answer came: the session lived then. */
  usedAtMs: number;
}

/**
 * Writes that are applied once, however often they are sent (design rule 8): each of a client's on
 * the session that it opened, or one on a session that its idempotency key names.
 */
export class WriteSession {
  readonly #clock: Clock;
  readonly #send: SendWrite;
  #opening: Promise<OpenSession> | undefined;

  constructor(clock: Clock, send: SendWrite) {
    this.#clock = clock;
    this.#send = send;
  }

  async write(name: string, command: WriteCommand, options: RequestOptions): Promise<WriteOutcome> {
    const endMs = this.#clock.monotonicMs() + (options.deadlineMs ?? Number.POSITIVE_INFINITY);
    const session = await this.#session(options);
    const sequence = session.nextSequence++;
    session.inFlight.add(sequence);
    const [lowestUnacknowledged = sequence] = session.inFlight;
    const sentAtMs = this.#clock.monotonicMs();
    try {
      const stamp = { session: session.id, sequence, lowestUnacknowledged };
      const outcome = await this.#send(name, command, stamp, this.#within(options, endMs));
      session.usedAtMs = Math.max(session.usedAtMs, sentAtMs);
      return outcome;
    } catch (error) {
      if (error instanceof DEngineError && error.name === 'SessionExpired')
        this.#opening = undefined;
      throw error;
    } finally {
      session.inFlight.delete(sequence);
    }
  }

  async writeNamed(
    name: string,
    command: WriteCommand,
    idempotencyKey: string,
    options: RequestOptions,
  ): Promise<WriteOutcome> {
    const endMs = this.#clock.monotonicMs() + (options.deadlineMs ?? Number.POSITIVE_INFINITY);
    const session = await this.#open(idempotencySession(idempotencyKey), options);
    const stamp = { session, sequence: 1, lowestUnacknowledged: 1 };
    return this.#send(name, command, stamp, this.#within(options, endMs));
  }

  async #session(options: RequestOptions): Promise<OpenSession> {
    const known = await this.#opening?.catch(() => undefined);
    const nowMs = this.#clock.monotonicMs();
    if (known !== undefined && nowMs - known.usedAtMs < trustedMs) return known;
    const opening = this.#open(
      { type: 'openSession', ttlMs: sessionTtlMs, name: '' },
      options,
    ).then((id) => ({ id, nextSequence: 1, inFlight: new Set<number>(), usedAtMs: nowMs }));
    this.#opening = opening;
    return opening;
  }

  /** Whatever became of it: the write that needs it was not sent. */
  async #open(command: WriteCommand, options: RequestOptions): Promise<SessionId> {
    try {
      const { id } = await this.#send('openSession', command, undefined, options);
      if (id !== undefined) return id;
    } catch (error) {
      throw asNeverApplied(error);
    }
    const text = 'this cluster has no sessions: its members are too old, or of the original';
    throw new DEngineError('Unsupported', text);
  }

  #within(options: RequestOptions, endMs: number): RequestOptions {
    if (endMs === Number.POSITIVE_INFINITY) return options;
    return { ...options, deadlineMs: Math.max(1, endMs - this.#clock.monotonicMs()) };
  }
}
