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
  WriteResult,
} from '@d-engine/base';
import { DEngineError } from '@d-engine/base';

type Operation = 'put' | 'delete' | 'compareAndSwap' | 'read';

/** A store in memory behind the interface of clients; tests make it fail or wait. */
export class FakeStore implements ClientApi {
  revision = 10;
  /** Thrown by the next operations while set. */
  error: Error | undefined;
  /** Awaited by every operation. */
  gate: Promise<void> | undefined;
  readonly calls: { readonly operation: Operation; readonly options: ReadOptions }[] = [];
  readonly #entries = new Map<string, KeyValue>();

  async put(key: BytesLike, value: BytesLike, options?: RequestOptions): Promise<WriteResult> {
    await this.#begin('put', options);
    return { revision: this.#set(bytes(key), bytes(value)) };
  }

  watch(): Watch {
    throw new Error('HTTP watches at the node itself');
  }

  watchMembership(): MembershipWatch {
    throw new Error('not over HTTP');
  }

  async delete(key: BytesLike, options?: RequestOptions): Promise<DeleteResult> {
    await this.#begin('delete', options);
    this.revision += 1;
    return { deleted: this.#entries.delete(name(key)), revision: this.revision };
  }

  async compareAndSwap(
    key: BytesLike,
    expected: BytesLike | null,
    value: BytesLike | null,
    options?: RequestOptions,
  ): Promise<CompareAndSwapResult> {
    await this.#begin('compareAndSwap', options);
    const current = this.#entries.get(name(key))?.value ?? null;
    const wanted = expected === null ? null : bytes(expected);
    const succeeded =
      current === null || wanted === null ? current === wanted : wanted.equals(current);
    if (!succeeded) {
      this.revision += 1;
      return { succeeded, current, revision: this.revision };
    }
    if (value === null) this.#entries.delete(name(key));
    return { succeeded, current: null, revision: this.#set(bytes(key), value) };
  }

  async get(key: BytesLike, options?: ReadOptions): Promise<KeyValue | null> {
    return (await this.read([key], options)).entries[0] ?? null;
  }

  async read(keys: readonly BytesLike[], options?: ReadOptions): Promise<ReadResult> {
    await this.#begin('read', options);
    return {
      entries: keys.map((key) => this.#entries.get(name(key)) ?? null),
      revision: this.revision,
      consistency: options?.consistency ?? 'linearizable',
    };
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
    throw new Error('HTTP asks the node itself for its status');
  }

  async #begin(operation: Operation, options: ReadOptions = {}): Promise<void> {
    this.calls.push({ operation, options });
    await this.gate;
    if (this.error !== undefined) throw this.error;
  }

  #set(key: Buffer, value: BytesLike | null): number {
    this.revision += 1;
    if (value === null) return this.revision;
    const before = this.#entries.get(name(key));
    this.#entries.set(name(key), {
      key,
      value: bytes(value),
      createRevision: before?.createRevision ?? this.revision,
      modRevision: this.revision,
      version: (before?.version ?? 0) + 1,
    });
    return this.revision;
  }
}

function bytes(value: BytesLike): Buffer {
  return Buffer.from(value);
}

function name(key: BytesLike): string {
  return bytes(key).toString('hex');
}

function notYet(operation: string): DEngineError {
  return new DEngineError('Unsupported', `${operation} is not in this version yet`);
}
