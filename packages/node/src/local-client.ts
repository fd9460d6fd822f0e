import type {
  BytesLike,
  ClientApi,
  CompareAndSwapResult,
  DeleteResult,
  KeyValue,
  MembershipWatch,
  NodeStatus,
  ReadOptions,
  ReadResult,
  RequestOptions,
  Watch,
  WatchOptions,
  WatchTarget,
  WriteCommand,
  WriteResult,
} from '@d-engine/base';
import { assert, DEngineError, encodeWriteCommand } from '@d-engine/base';
import type { WriteOutcome } from '@d-engine/wire';
import { toBytes } from './bytes.ts';
import type { OperationChecks } from './operation-checks.ts';
import type { ReadReply, ReadRequest, ReadView } from './reads.ts';
import type { Watches } from './watch/watches.ts';
import type { WriteRouter } from './write-router.ts';

/** The store's operations inside the member's own process; any member takes them. */
export class LocalClient implements ClientApi {
  readonly #writes: WriteRouter;
  readonly #submitRead: (request: ReadRequest) => DEngineError | undefined;
  readonly #checks: OperationChecks;
  readonly #watches: Watches;
  readonly #status: () => NodeStatus;

  constructor(options: {
    writes: WriteRouter;
    submitRead: (request: ReadRequest) => DEngineError | undefined;
    checks: OperationChecks;
    watches: Watches;
    status: () => NodeStatus;
  }) {
    this.#writes = options.writes;
    this.#submitRead = options.submitRead;
    this.#checks = options.checks;
    this.#watches = options.watches;
    this.#status = options.status;
  }

  async put(key: BytesLike, value: BytesLike, options?: RequestOptions): Promise<WriteResult> {
    const command = { type: 'put', key: toBytes(key), value: toBytes(value), ttlMs: 0 } as const;
    const { revision } = await this.#write(command, options);
    return { revision };
  }

  async delete(key: BytesLike, options?: RequestOptions): Promise<DeleteResult> {
    const outcome = await this.#write({ type: 'delete', key: toBytes(key) }, options);
    assert(outcome.deleted !== undefined, 'a delete was answered as something else');
    return { deleted: outcome.deleted, revision: outcome.revision };
  }

  async compareAndSwap(
    key: BytesLike,
    expected: BytesLike | null,
    value: BytesLike | null,
    options?: RequestOptions,
  ): Promise<CompareAndSwapResult> {
    const command: WriteCommand = {
      type: 'compareAndSwap',
      key: toBytes(key),
      expected: expected === null ? null : toBytes(expected),
      value: value === null ? null : toBytes(value),
      ttlMs: 0,
    };
    const { succeeded, current, revision } = await this.#write(command, options);
    assert(succeeded || current !== undefined, 'a failed swap without the current value');
    return { succeeded, current: current ?? null, revision };
  }

  async get(key: BytesLike, options?: ReadOptions): Promise<KeyValue | null> {
    const result = await this.read([key], options);
    return result.entries[0] ?? null;
  }

  async read(keys: readonly BytesLike[], options?: ReadOptions): Promise<ReadResult> {
    options?.signal?.throwIfAborted();
    const keyBytes = keys.map(toBytes);
    const problem = this.#checks.read(keyBytes);
    if (problem !== undefined) throw problem;
    const consistency = this.#checks.consistency(options?.consistency);
    if (consistency instanceof DEngineError) throw consistency;
    const view = await new Promise<ReadView>((resolve, reject) => {
      const forget = rejectOnAbort(options?.signal, reject, 'DeadlineExceeded');
      const settle = (reply: ReadReply): void => {
        forget();
        if (reply.ok) resolve(reply.view);
        else reject(reply.error);
      };
      const refused = this.#submitRead({
        keys: keyBytes,
        consistency,
        minRevision: options?.minRevision ?? 0,
        deadlineMs: this.#checks.deadlineMs(options?.deadlineMs),
        settle,
      });
      if (refused !== undefined) settle({ ok: false, error: refused });
    });
    return { ...view, consistency };
  }

  async txn(): Promise<never> {
    throw notYet('txn');
  }

  async scan(): Promise<never> {
    throw notYet('scan');
  }

  async grantLease(): Promise<never> {
    throw notYet('grantLease');
  }

  async keepLeaseAlive(): Promise<never> {
    throw notYet('keepLeaseAlive');
  }

  async revokeLease(): Promise<never> {
    throw notYet('revokeLease');
  }

  async leaseTimeLeft(): Promise<never> {
    throw notYet('leaseTimeLeft');
  }

  async status(): Promise<NodeStatus> {
    return this.#status();
  }

  watch(target: WatchTarget, options?: WatchOptions): Watch {
    return this.#watches.watch(target, options);
  }

  watchMembership(options?: Pick<WatchOptions, 'signal'>): MembershipWatch {
    return this.#watches.watchMembership(options);
  }

  async #write(command: WriteCommand, options: RequestOptions | undefined): Promise<WriteOutcome> {
    options?.signal?.throwIfAborted();
    const problem = this.#checks.write(command);
    if (problem !== undefined) throw problem;
    const bytes = encodeWriteCommand(command);
    const tooLarge = this.#checks.writeSize(bytes);
    if (tooLarge !== undefined) throw tooLarge;
    const deadlineMs = this.#checks.deadlineMs(options?.deadlineMs);
    return new Promise((resolve, reject) => {
      const forget = rejectOnAbort(options?.signal, reject, 'ProposeFailed');
      this.#writes.submitAnywhere(bytes, deadlineMs, (reply) => {
        forget();
        if (reply.ok) resolve(reply.outcome);
        else reject(reply.error);
      });
    });
  }
}

const nothing = (): void => undefined;

/**
 * The caller gave up waiting; a write that was on its way may still take effect. Returns how to let
 * go of the signal, which may outlive many operations.
 */
function rejectOnAbort(
  signal: AbortSignal | undefined,
  reject: (error: DEngineError) => void,
  name: 'ProposeFailed' | 'DeadlineExceeded',
): () => void {
  if (signal === undefined) return nothing;
  const onAbort = (): void => {
    const message = 'the caller aborted the operation before it was answered';
    reject(new DEngineError(name, message, { cause: signal.reason }));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return () => signal.removeEventListener('abort', onAbort);
}

function notYet(operation: string): DEngineError {
  return new DEngineError('Unsupported', `${operation} is not in this version yet`);
}
