import type {
  ByteRules,
  BytesLike,
  ClientApi,
  CompareAndSwapResult,
  Consistency,
  DeleteResult,
  KeyRange,
  KeyValue,
  LeaseGrant,
  LeaseId,
  LeaseRenewal,
  LeaseRevocation,
  LeaseStatus,
  MembershipWatch,
  NodeStatus,
  PutOptions,
  ReadOptions,
  ReadResult,
  RequestOptions,
  Revision,
  ScanOptions,
  ScanResult,
  SessionId,
  Transaction,
  TransactionResult,
  Watch,
  WatchOptions,
  WatchTarget,
  WriteCommand,
  WriteOptions,
  WriteResult,
} from '@d-engine/base';
import {
  asNeverApplied,
  assert,
  checkedId,
  checkedTtl,
  DEngineError,
  encodeWriteCommand,
  idempotencySession,
  lifetimeOf,
  limits,
  rangeBytes,
  transactionCommand,
} from '@d-engine/base';
import type { WriteOutcome } from '@d-engine/wire';
import { toBytes } from './bytes.ts';
import type { RoutedWrite } from './forwards.ts';
import type { OperationChecks } from './operation-checks.ts';
import type { ReadQuestion, ReadReply, ReadRequest, ReadView } from './reads.ts';
import { pageOf, scanAnswer } from './scan-cursor.ts';
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

  async put(key: BytesLike, value: BytesLike, options: PutOptions = {}): Promise<WriteResult> {
    const lifetime = lifetimeOf(options);
    const command = { type: 'put', key: toBytes(key), value: toBytes(value), ...lifetime } as const;
    const { revision } = await this.#write(command, options);
    return { revision };
  }

  async delete(key: BytesLike, options: WriteOptions = {}): Promise<DeleteResult> {
    const outcome = await this.#write({ type: 'delete', key: toBytes(key) }, options);
    assert(outcome.deleted !== undefined, 'a delete was answered as something else');
    return { deleted: outcome.deleted, revision: outcome.revision };
  }

  async compareAndSwap(
    key: BytesLike,
    expected: BytesLike | null,
    value: BytesLike | null,
    options: PutOptions = {},
  ): Promise<CompareAndSwapResult> {
    const command: WriteCommand = {
      type: 'compareAndSwap',
      key: toBytes(key),
      expected: expected === null ? null : toBytes(expected),
      value: value === null ? null : toBytes(value),
      ...lifetimeOf(options),
    };
    const { succeeded, current, revision } = await this.#write(command, options);
    assert(succeeded || current !== undefined, 'a failed swap without the current value');
    return { succeeded, current: current ?? null, revision };
  }

  async txn(transaction: Transaction, options: WriteOptions = {}): Promise<TransactionResult> {
    const command = transactionCommand(transaction, byteRules);
    const { succeeded, responses, revision } = await this.#write(command, options);
    assert(responses !== undefined, 'a transaction was answered as something else');
    return { succeeded, revision, responses };
  }

  async grantLease(ttlMs: number, options: WriteOptions = {}): Promise<LeaseGrant> {
    const command = { type: 'grantLease', ttlMs: checkedTtl(ttlMs) } as const;
    const { id, revision } = await this.#write(command, options);
    assert(id !== undefined, 'a grant was answered as something else');
    return { lease: id, ttlMs, revision };
  }

  async keepLeaseAlive(lease: LeaseId, options: WriteOptions = {}): Promise<LeaseRenewal> {
    const command = { type: 'keepLeaseAlive', lease: checkedId(lease, 'lease') } as const;
    const { ttlMs, revision } = await this.#write(command, options);
    assert(ttlMs !== undefined, 'a renewal was answered as something else');
    return { ttlMs, revision };
  }

  async revokeLease(lease: LeaseId, options: WriteOptions = {}): Promise<LeaseRevocation> {
    const command = { type: 'revokeLease', lease: checkedId(lease, 'lease') } as const;
    const { deletedKeys, revision } = await this.#write(command, options);
    assert(deletedKeys !== undefined, 'a revocation was answered as something else');
    return { deletedKeys, revision };
  }

  async leaseTimeLeft(lease: LeaseId, options: ReadOptions = {}): Promise<LeaseStatus | null> {
    const question = { type: 'lease', lease: checkedId(lease, 'lease') } as const;
    const view = await this.#look(question, options, options.minRevision ?? 0);
    return view.lease ? { ...view.lease, revision: view.revision } : null;
  }

  async scan(range: KeyRange, options: ScanOptions = {}): Promise<ScanResult> {
    const { order = 'ascending', limit = limits.scanEntriesDefault, cursor = '' } = options;
    const problem = this.#checks.scanLimit(limit);
    if (problem !== undefined) throw problem;
    const page = pageOf(rangeBytes(range, byteRules), { order, limit, cursor });
    if (page instanceof DEngineError) throw page;
    const { query, firstRevision } = page;
    const minRevision = Math.max(options.minRevision ?? 0, firstRevision);
    const view = await this.#look({ type: 'scan', scan: query }, options, minRevision);
    return { ...scanAnswer(view, query, firstRevision), consistency: view.consistency };
  }

  async get(key: BytesLike, options?: ReadOptions): Promise<KeyValue | null> {
    const result = await this.read([key], options);
    return result.entries[0] ?? null;
  }

  async read(keys: readonly BytesLike[], options: ReadOptions = {}): Promise<ReadResult> {
    const keyBytes = keys.map(toBytes);
    const problem = this.#checks.read(keyBytes);
    if (problem !== undefined) throw problem;
    const question = { type: 'keys', keys: keyBytes } as const;
    const view = await this.#look(question, options, options.minRevision ?? 0);
    const { entries, revision, consistency } = view;
    return { entries, revision, consistency };
  }

  async #look(
    question: ReadQuestion,
    options: ReadOptions,
    minRevision: Revision,
  ): Promise<ReadView & { readonly consistency: Consistency }> {
    options.signal?.throwIfAborted();
    const consistency = this.#checks.consistency(options.consistency);
    if (consistency instanceof DEngineError) throw consistency;
    const view = await new Promise<ReadView>((resolve, reject) => {
      const forget = rejectOnAbort(options.signal, reject, 'DeadlineExceeded');
      const settle = (reply: ReadReply): void => {
        forget();
        if (reply.ok) resolve(reply.view);
        else reject(reply.error);
      };
      const refused = this.#submitRead({
        question,
        consistency,
        minRevision,
        deadlineMs: this.#checks.deadlineMs(options.deadlineMs),
        settle,
      });
      if (refused !== undefined) settle({ ok: false, error: refused });
    });
    return { ...view, consistency };
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

  async #write(command: WriteCommand, options: WriteOptions): Promise<WriteOutcome> {
    options.signal?.throwIfAborted();
    const problem = this.#checks.write(command);
    if (problem !== undefined) throw problem;
    const bytes = encodeWriteCommand(command);
    const tooLarge = this.#checks.writeSize(bytes);
    if (tooLarge !== undefined) throw tooLarge;
    const { idempotencyKey } = options;
    if (idempotencyKey === undefined) return this.#submit({ command: bytes }, options);
    const session = await this.#sessionOf(idempotencyKey, options);
    const stamp = { session, sequence: 1, lowestUnacknowledged: 1 };
    return this.#submit({ command: bytes, session: stamp }, options);
  }

  /** Opening it again finds it open: what became of an earlier attempt does not matter. */
  async #sessionOf(idempotencyKey: string, options: WriteOptions): Promise<SessionId> {
    const command = encodeWriteCommand(idempotencySession(idempotencyKey));
    try {
      const { id } = await this.#submit({ command }, options);
      assert(id !== undefined, 'the opening of a session was answered as something else');
      return id;
    } catch (error) {
      throw asNeverApplied(error);
    }
  }

  #submit(write: RoutedWrite, options: RequestOptions): Promise<WriteOutcome> {
    const deadlineMs = this.#checks.deadlineMs(options.deadlineMs);
    return new Promise((resolve, reject) => {
      const forget = rejectOnAbort(options.signal, reject, 'ProposeFailed');
      this.#writes.submitAnywhere(write, deadlineMs, (reply) => {
        forget();
        if (reply.ok) resolve(reply.outcome);
        else reject(reply.error);
      });
    });
  }
}

const byteRules: ByteRules = { key: toBytes, value: toBytes };

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
