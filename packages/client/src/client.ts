import {
  type BytesLike,
  type ClientApi,
  type ClusterId,
  type CompareAndSwapResult,
  type Consistency,
  checkedId,
  checkedTtl,
  DEngineError,
  type DeleteResult,
  type Env,
  failedReader,
  type KeyRange,
  type KeyValue,
  type LeaseGrant,
  type LeaseId,
  type LeaseRenewal,
  type LeaseRevocation,
  type LeaseStatus,
  type Logger,
  lifetimeOf,
  type MemberAction,
  type MemberChangeResult,
  type MembershipWatch,
  type Metrics,
  type NodeId,
  type NodeStatus,
  type PutOptions,
  type ReadOptions,
  type ReadResult,
  type RequestOptions,
  type ScanOptions,
  type ScanResult,
  type SessionStamp,
  silentLogger,
  silentMetrics,
  type Transaction,
  type TransactionResult,
  transactionCommand,
  type Watch,
  type WatchOptions,
  type WatchTarget,
  type WriteCommand,
  type WriteOptions,
  type WriteResult,
} from '@d-engine/base';
import {
  decodeMemberChangeResult,
  decodeNodeStatus,
  encodeClientReadRequest,
  encodeMemberChangeRequest,
  methods,
  statusRequestBytes,
  type WriteOutcome,
} from '@d-engine/wire';
import {
  copyOf,
  decode,
  leaseOutcome,
  type Outcome,
  readOutcome,
  scanOutcome,
  unreadable,
  writeOutcome,
} from './answers.ts';
import { Caller } from './caller.ts';
import { ClusterCheck } from './cluster-check.ts';
import { parseEndpoint, type Scheme } from './endpoint-address.ts';
import { type Endpoint, EndpointPool } from './endpoint-pool.ts';
import { Closing } from './operation-scope.ts';
import { keyBytes, readKeys, scanRequest, valueBytes, writeRequest } from './requests.ts';
import { downloadSnapshot } from './snapshot-download.ts';
import { MembershipProtocol } from './watch/membership-protocol.ts';
import { type FollowerOptions, StreamFollower } from './watch/stream-follower.ts';
import { WatchProtocol } from './watch/watch-protocol.ts';
import { WriteSession } from './write-session.ts';

export interface ClientOptions extends Pick<Env, 'clock' | 'network' | 'random'> {
  /** `host:port` or `SCHEME://host:port` of some members; leaders elsewhere are found by hints. */
  readonly endpoints: readonly string[];
  /** What the network speaks, and endpoints may say; `http` when absent. */
  readonly scheme?: Scheme | undefined;
  /** Time for one operation, retries included; 3 s when absent. */
  readonly deadlineMs?: number | undefined;
  /** Time until a member must have shown a sign of life; 1 s when absent. */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * Writes ride on a session that the first one opens: one whose answer was lost is sent again
   * and applied once. While the session lives, a minute after its last write, the cluster logs the
   * time each second. Off when absent: such a write rejects, and says that it may be applied.
   */
  readonly exactlyOnce?: boolean | undefined;
  /** Members of any other cluster are refused; that of the first answer when absent. */
  readonly clusterId?: ClusterId | undefined;
  readonly metrics?: Metrics | undefined;
  readonly logger?: Logger | undefined;
}

export interface Client extends ClientApi {
  /**
   * A snapshot file with everything that was acknowledged before this call, from some member: the
   * bytes in order, of any size each. `d-engine snapshot restore` makes a cluster of it. An hour
   * when no deadline is given.
   */
  snapshot(options?: RequestOptions): AsyncGenerator<Uint8Array, void, undefined>;
  /**
   * Changes who belongs to the cluster; any member takes it. Resolves once that is committed, and
   * asking again does no harm. 10 s when no deadline is given.
   */
  changeMember(
    action: MemberAction,
    nodeId: NodeId,
    options?: RequestOptions,
  ): Promise<MemberChangeResult>;
  /** Ends all connections; operations under way and later ones reject. Idempotent. */
  close(): void;
}

const deadlineMsDefault = 3_000;
const connectTimeoutMsDefault = 1_000;
const changeDeadlineMsDefault = 10_000;

/**
 * A client of a cluster over the network. Opens nothing before the first operation.
 *
 *     const client = createClient({ ...env, endpoints: ['127.0.0.1:9081', '127.0.0.1:9082'] });
 *     const { revision } = await client.put('name', 'value');
 *     const entry = await client.get('name', { consistency: 'eventual', minRevision: revision });
 */
export function createClient(options: ClientOptions): Client {
  return new NetworkClient(options);
}

class NetworkClient implements Client {
  readonly #clock: Env['clock'];
  readonly #closing = new Closing();
  readonly #pool: EndpointPool;
  readonly #check: ClusterCheck;
  readonly #caller: Caller;
  readonly #follower: FollowerOptions;
  readonly #clientId: number;
  readonly #deadlineMs: number;
  readonly #exactlyOnce: boolean;
  readonly #session: WriteSession;

  constructor(options: ClientOptions) {
    const { clock, network, random, logger = silentLogger, metrics = silentMetrics } = options;
    this.#clock = clock;
    this.#deadlineMs = options.deadlineMs ?? deadlineMsDefault;
    this.#exactlyOnce = options.exactlyOnce ?? false;
    this.#session = new WriteSession(clock, (name, command, session, request) => {
      return this.#send(name, command, session, request);
    });
    const { scheme = 'http' } = options;
    const connectTimeoutMs = options.connectTimeoutMs ?? connectTimeoutMsDefault;
    const addresses = [
      ...new Set(options.endpoints.map((endpoint) => parseEndpoint(endpoint, scheme))),
    ];
    if (addresses.length === 0) {
      throw new DEngineError('InvalidAddress', 'endpoints is empty: name at least one member');
    }
    this.#clientId = 1 + Math.floor(random.float() * (2 ** 32 - 1));
    const startAt = Math.floor(random.float() * addresses.length);
    this.#pool = new EndpointPool({ addresses, network, clock, connectTimeoutMs, startAt });
    this.#check = new ClusterCheck({
      pool: this.#pool,
      clock,
      logger,
      clusterId: options.clusterId,
      timeoutMs: connectTimeoutMs,
    });
    this.#caller = new Caller({
      pool: this.#pool,
      check: this.#check,
      clock,
      random,
      closing: this.#closing,
      metrics,
      deadlineMs: this.#deadlineMs,
    });
    this.#follower = {
      pool: this.#pool,
      check: this.#check,
      clock,
      random,
      closing: this.#closing,
      metrics,
      answerMs: this.#deadlineMs,
    };
  }

  async put(key: BytesLike, value: BytesLike, options: PutOptions = {}): Promise<WriteResult> {
    const command = { key: keyBytes(key), value: valueBytes(value), ...lifetimeOf(options) };
    const { revision } = await this.#write('put', { type: 'put', ...command }, options);
    return { revision };
  }

  async delete(key: BytesLike, options: WriteOptions = {}): Promise<DeleteResult> {
    const command: WriteCommand = { type: 'delete', key: keyBytes(key) };
    const { deleted, revision } = await this.#write('delete', command, options);
    // Members of the original do not tell.
    return { deleted: deleted ?? true, revision };
  }

  async compareAndSwap(
    key: BytesLike,
    expected: BytesLike | null,
    value: BytesLike | null,
    options: PutOptions = {},
  ): Promise<CompareAndSwapResult> {
    const command: WriteCommand = {
      type: 'compareAndSwap',
      key: keyBytes(key),
      expected: expected === null ? null : valueBytes(expected),
      value: value === null ? null : valueBytes(value),
      ...lifetimeOf(options),
    };
    const outcome = await this.#write('compareAndSwap', command, options);
    const { succeeded, current = null, revision } = outcome;
    return { succeeded, current: current === null ? null : Uint8Array.from(current), revision };
  }

  async txn(transaction: Transaction, options: WriteOptions = {}): Promise<TransactionResult> {
    const command = transactionCommand(transaction, { key: keyBytes, value: valueBytes });
    const { succeeded, revision, responses } = await this.#write('txn', command, options);
    const own = known(responses, 'txn').map((response) => {
      if (response.type !== 'get' || response.entry === null) return response;
      return { type: response.type, entry: copyOf(response.entry) };
    });
    return { succeeded, revision, responses: own };
  }

  async grantLease(ttlMs: number, options: WriteOptions = {}): Promise<LeaseGrant> {
    const command = { type: 'grantLease', ttlMs: checkedTtl(ttlMs) } as const;
    const { id, revision } = await this.#write('grantLease', command, options);
    return { lease: known(id, 'grantLease'), ttlMs, revision };
  }

  async keepLeaseAlive(lease: LeaseId, options: WriteOptions = {}): Promise<LeaseRenewal> {
    const command = { type: 'keepLeaseAlive', lease: checkedId(lease, 'lease') } as const;
    const { ttlMs, revision } = await this.#write('keepLeaseAlive', command, options);
    return { ttlMs: known(ttlMs, 'keepLeaseAlive'), revision };
  }

  async revokeLease(lease: LeaseId, options: WriteOptions = {}): Promise<LeaseRevocation> {
    const command = { type: 'revokeLease', lease: checkedId(lease, 'lease') } as const;
    const { deletedKeys, revision } = await this.#write('revokeLease', command, options);
    return { deletedKeys: known(deletedKeys, 'revokeLease'), revision };
  }

  async leaseTimeLeft(lease: LeaseId, options: ReadOptions = {}): Promise<LeaseStatus | null> {
    const { consistency, minRevision = 0 } = options;
    const wanted = { keys: [], consistency, minRevision, lease: checkedId(lease, 'lease') };
    return this.#caller.run(
      {
        name: 'leaseTimeLeft',
        operation: 'read',
        target: targetOf(consistency),
        method: methods.clientRead,
        request: encodeClientReadRequest({ clientId: this.#clientId, ...wanted }),
        decode: leaseOutcome,
      },
      options,
    );
  }

  async scan(range: KeyRange, options: ScanOptions = {}): Promise<ScanResult> {
    const { consistency } = options;
    return this.#caller.run(
      {
        name: 'scan',
        operation: 'read',
        target: targetOf(consistency),
        method: methods.clientScan,
        request: scanRequest(range, options, this.#clientId),
        decode: (message) => scanOutcome(message, consistency),
      },
      options,
    );
  }

  async get(key: BytesLike, options?: ReadOptions): Promise<KeyValue | null> {
    const { entries } = await this.#read('get', [key], options);
    return entries[0] ?? null;
  }

  async read(keys: readonly BytesLike[], options?: ReadOptions): Promise<ReadResult> {
    return this.#read('read', keys, options);
  }

  async status(options?: RequestOptions): Promise<NodeStatus> {
    return this.#caller.run(
      {
        name: 'status',
        operation: 'read',
        target: 'leader',
        method: methods.status,
        request: statusRequestBytes,
        decode: (message, endpoint) => this.#statusOutcome(message, endpoint),
      },
      options,
    );
  }

  async changeMember(
    action: MemberAction,
    nodeId: NodeId,
    options: RequestOptions = {},
  ): Promise<MemberChangeResult> {
    const { deadlineMs = changeDeadlineMsDefault } = options;
    // It answers, with the reason, before this side gives up.
    const waitMs = Math.max(1, Math.floor(deadlineMs * 0.8));
    return this.#caller.run(
      {
        name: 'changeMember',
        operation: 'write',
        target: 'any',
        method: methods.changeMember,
        request: encodeMemberChangeRequest({ action, nodeId, waitMs, forwarded: false }),
        decode: (message) => {
          const result = decode(message, decodeMemberChangeResult);
          return result instanceof DEngineError ? unreadable(result) : { ok: true, value: result };
        },
      },
      { ...options, deadlineMs },
    );
  }

  snapshot(options?: RequestOptions): AsyncGenerator<Uint8Array, void, undefined> {
    const clock = this.#clock;
    return downloadSnapshot(
      { pool: this.#pool, check: this.#check, clock, closing: this.#closing },
      options,
    );
  }

  watch(target: WatchTarget, options: WatchOptions = {}): Watch {
    try {
      const protocol = new WatchProtocol(target, options, this.#clientId);
      return new StreamFollower(this.#follower, protocol, options.signal).reader;
    } catch (error) {
      if (!(error instanceof DEngineError)) throw error;
      return failedReader(error);
    }
  }

  watchMembership(options: Pick<WatchOptions, 'signal'> = {}): MembershipWatch {
    const protocol = new MembershipProtocol(this.#clientId);
    return new StreamFollower(this.#follower, protocol, options.signal).reader;
  }

  close(): void {
    this.#closing.close();
    this.#pool.close();
  }

  #write(name: string, command: WriteCommand, options: WriteOptions): Promise<WriteOutcome> {
    const { idempotencyKey } = options;
    // The whole of it, opening a session included, has one deadline.
    const within = { ...options, deadlineMs: options.deadlineMs ?? this.#deadlineMs };
    if (idempotencyKey !== undefined) {
      return this.#session.writeNamed(name, command, idempotencyKey, within);
    }
    if (this.#exactlyOnce) return this.#session.write(name, command, within);
    return this.#send(name, command, undefined, options);
  }

  async #send(
    name: string,
    command: WriteCommand,
    session: SessionStamp | undefined,
    options: RequestOptions,
  ): Promise<WriteOutcome> {
    const request = writeRequest(command, this.#clientId, session);
    return this.#caller.run(
      {
        name,
        operation: 'write',
        isRepeatable: session !== undefined,
        target: 'leader',
        method: methods.clientWrite,
        request,
        decode: writeOutcome,
      },
      options,
    );
  }

  #read(name: string, keys: readonly BytesLike[], options: ReadOptions = {}): Promise<ReadResult> {
    const { consistency, minRevision = 0 } = options;
    const wanted = readKeys(keys);
    const clientId = this.#clientId;
    return this.#caller.run(
      {
        name,
        operation: 'read',
        target: targetOf(consistency),
        method: methods.clientRead,
        request: encodeClientReadRequest({ clientId, keys: wanted, consistency, minRevision }),
        decode: (message) => readOutcome(message, wanted, consistency),
      },
      options,
    );
  }

  #statusOutcome(message: Uint8Array, endpoint: Endpoint): Outcome<NodeStatus> {
    const status = decode(message, decodeNodeStatus);
    if (status instanceof DEngineError) return unreadable(status);
    const failure = this.#check.compare(endpoint, status);
    return failure === undefined ? { ok: true, value: status } : { ok: false, failure };
  }
}

/** Any member answers linearizable reads too, but the leader does so without asking another. */
function targetOf(consistency: Consistency | undefined): 'leader' | 'any' {
  return consistency === 'eventual' ? 'any' : 'leader';
}

/** What our members always say, and those of the original never. */
function known<T>(value: T | undefined, operation: string): T {
  if (value !== undefined) return value;
  const text = `${operation}: the member's answer does not say what became of it`;
  throw new DEngineError('InvalidResponse', text);
}
