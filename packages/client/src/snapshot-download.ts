import type { Clock, Failure, MessageStream, RequestOptions, StreamHandler } from '@d-engine/base';
import { MalformedMessage, StatusError } from '@d-engine/base';
import { decodeSnapshotPart, methods, saveSnapshotRequestBytes } from '@d-engine/wire';
import { failureOfCall } from './attempt-failure.ts';
import type { ClusterCheck } from './cluster-check.ts';
import type { Endpoint, EndpointPool } from './endpoint-pool.ts';
import { type Closing, OperationScope } from './operation-scope.ts';
import { Trail } from './trail.ts';

/** A state of gigabytes takes its time; who wants less says so. */
const deadlineMsDefault = 3_600_000;
/** Parts that wait for the reader before the sender is held up. */
const waitingPartsMax = 4;

export interface SnapshotDownloadParts {
  readonly pool: EndpointPool;
  readonly check: ClusterCheck;
  readonly clock: Clock;
  readonly closing: Closing;
}

/**
 * The bytes of a snapshot file, taken by the first member that answers. A connection that breaks
 * ends it: what has arrived is no snapshot, and the next one is another file.
 */
export async function* downloadSnapshot(
  { pool, check, clock, closing }: SnapshotDownloadParts,
  options: RequestOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const scope = new OperationScope(
    clock,
    closing,
    options.deadlineMs ?? deadlineMsDefault,
    options,
  );
  const trail = new Trail('snapshot', 'read', scope);
  const tried = new Set<Endpoint>();
  for (;;) {
    const { interruption } = scope;
    if (interruption !== undefined) throw trail.interrupted(interruption);
    const endpoint = pool.choose('any', tried);
    if (endpoint === undefined) throw trail.hopeless() ?? trail.expired();
    tried.add(endpoint);
    const foreign = await check.verify(endpoint, scope);
    if (foreign !== undefined) {
      trail.add(endpoint.address, foreign);
      continue;
    }
    const parts = new PartStream(endpoint, scope);
    try {
      const first = await parts.next();
      if (first instanceof Error) {
        trail.add(endpoint.address, failureOfCall(first, 'read'));
        continue;
      }
      yield* whatFollows(first, parts, endpoint, trail);
      return;
    } finally {
      parts.close();
    }
  }
}

async function* whatFollows(
  first: Uint8Array | undefined,
  parts: PartStream,
  endpoint: Endpoint,
  trail: Trail,
): AsyncGenerator<Uint8Array, void, undefined> {
  let next: Uint8Array | StatusError | undefined = first;
  while (next !== undefined) {
    if (next instanceof StatusError) {
      throw trail.failed(endpoint.address, failureOfCall(next, 'read'));
    }
    yield next;
    next = await parts.next();
  }
}

/** One stream of parts, read one at a time. */
class PartStream implements StreamHandler {
  readonly #stream: MessageStream;
  readonly #scope: OperationScope;
  readonly #waiting: Uint8Array[] = [];
  #end: StatusError | 'complete' | undefined;
  #wake: (() => void) | undefined;

  constructor({ channel }: Endpoint, scope: OperationScope) {
    this.#scope = scope;
    const deadlineMs = Math.max(Math.floor(scope.remainingMs), 1);
    this.#stream = channel.openStream(methods.saveSnapshot, this, { deadlineMs });
    this.#stream.send(saveSnapshotRequestBytes);
    this.#stream.end();
  }

  /** Undefined: that was all. */
  async next(): Promise<Uint8Array | StatusError | undefined> {
    while (this.#waiting.length === 0 && this.#end === undefined) {
      await this.#scope.within(
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
      );
      if (this.#waiting.length === 0 && this.#end === undefined) this.#onInterrupted();
    }
    const part = this.#waiting.shift();
    if (this.#waiting.length < waitingPartsMax) this.#stream.resume();
    if (part !== undefined) return part;
    return this.#end === 'complete' ? undefined : this.#end;
  }

  close(): void {
    if (this.#end !== undefined) return;
    this.#stream.reset({ status: 'cancelled', message: 'nobody reads it any more' });
  }

  onMessage(message: Uint8Array): void {
    try {
      this.#waiting.push(decodeSnapshotPart(message).data);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      this.#fail({
        status: 'internal',
        message: `unreadable part of a snapshot: ${error.message}`,
      });
    }
    if (this.#waiting.length >= waitingPartsMax) this.#stream.pause();
    this.#wake?.();
  }

  onClose(failure: Failure | undefined): void {
    if (failure === undefined) this.#end ??= 'complete';
    else this.#end ??= new StatusError(failure, true);
    this.#wake?.();
  }

  #onInterrupted(): void {
    if (this.#scope.interruption === undefined && this.#scope.remainingMs > 0) return;
    this.#fail(
      this.#scope.interruption === undefined
        ? { status: 'deadlineExceeded', message: 'the snapshot did not arrive in time' }
        : { status: 'cancelled', message: 'the caller gave up' },
    );
  }

  #fail(failure: Failure): void {
    this.#end ??= new StatusError(failure, true);
    this.#stream.reset({ status: 'cancelled', message: failure.message });
  }
}
