import {
  type BytesLike,
  type ClientApi,
  type ClusterId,
  type CompareAndSwapResult,
  type Consistency,
  DEngineError,
  type DeleteResult,
  type Env,
  failedReader,
  type KeyValue,
  type Logger,
  type MembershipWatch,
  type Metrics,
  type NodeStatus,
  type ReadOptions,
  type ReadResult,
  type RequestOptions,
  silentLogger,
  silentMetrics,
  type Watch,
  type WatchOptions,
  type WatchTarget,
  type WriteCommand,
  type WriteResult,
} from '@d-engine/base';
import {
  decodeNodeStatus,
  encodeClientReadRequest,
  methods,
  statusRequestBytes,
  type WriteOutcome,
} from '@d-engine/wire';
import { decode, type Outcome, readOutcome, unreadable, writeOutcome } from './answers.ts';
import { Caller } from './caller.ts';
import { ClusterCheck } from './cluster-check.ts';
import { parseEndpoint, type Scheme } from './endpoint-address.ts';
import { type Endpoint, EndpointPool } from './endpoint-pool.ts';
import { Closing } from './operation-scope.ts';
import { keyBytes, readKeys, valueBytes, writeRequest } from './requests.ts';
import { downloadSnapshot } from './snapshot-download.ts';
import { MembershipProtocol } from './watch/membership-protocol.ts';
import { type FollowerOptions, StreamFollower } from './watch/stream-follower.ts';
import { WatchProtocol } from './watch/watch-protocol.ts';

export interface ClientOptions extends Pick<Env, 'clock' | 'network' | 'random'> {
  /** `host:port` or `SCHEME://host:port` of some members; leaders elsewhere are found by hints. */
  readonly endpoints: readonly string[];
  /** What the network speaks, and endpoints may say; `http` when absent. */
  readonly scheme?: Scheme | undefined;
  /** Time for one operation, retries included; 3 s when absent. */
  readonly deadlineMs?: number | undefined;
  /** Time until a member must have shown a sign of life; 1 s when absent. */
  readonly connectTimeoutMs?: number | undefined;
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
  /** Ends all connections; operations under way and later ones reject. Idempotent. */
  close(): void;
}

const deadlineMsDefault = 3_000;
const connectTimeoutMsDefault = 1_000;

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

  constructor(options: ClientOptions) {
    const { clock, network, random, logger = silentLogger, metrics = silentMetrics } = options;
    this.#clock = clock;
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
      deadlineMs: options.deadlineMs ?? deadlineMsDefault,
    });
    this.#follower = {
      pool: this.#pool,
      check: this.#check,
      clock,
      random,
      closing: this.#closing,
      metrics,
      answerMs: options.deadlineMs ?? deadlineMsDefault,
    };
  }

  async put(key: BytesLike, value: BytesLike, options?: RequestOptions): Promise<WriteResult> {
    const command = { key: keyBytes(key), value: valueBytes(value), ttlMs: 0 };
    const { revision } = await this.#write('put', { type: 'put', ...command }, options);
    return { revision };
  }

  async delete(key: BytesLike, options?: RequestOptions): Promise<DeleteResult> {
    const command: WriteCommand = { type: 'delete', key: keyBytes(key) };
    const { deleted, revision } = await this.#write('delete', command, options);
    // Members of the original do not tell.
    return { deleted: deleted ?? true, revision };
  }

  async compareAndSwap(
    key: BytesLike,
    expected: BytesLike | null,
    value: BytesLike | null,
    options?: RequestOptions,
  ): Promise<CompareAndSwapResult> {
    const command: WriteCommand = {
      type: 'compareAndSwap',
      key: keyBytes(key),
      expected: expected === null ? null : valueBytes(expected),
      value: value === null ? null : valueBytes(value),
      ttlMs: 0,
    };
    const outcome = await this.#write('compareAndSwap', command, options);
    const { succeeded, current = null, revision } = outcome;
    return { succeeded, current: current === null ? null : Uint8Array.from(current), revision };
  }

  async get(key: BytesLike, options?: ReadOptions): Promise<KeyValue | null> {
    const { entries } = await this.#read('get', [key], options);
    return entries[0] ?? null;
  }

  async read(keys: readonly BytesLike[], options?: ReadOptions): Promise<ReadResult> {
    return this.#read('read', keys, options);
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

  #write(
    name: string,
    command: WriteCommand,
    options: RequestOptions | undefined,
  ): Promise<WriteOutcome> {
    const request = writeRequest(command, this.#clientId);
    const method = methods.clientWrite;
    const target = 'leader';
    return this.#caller.run(
      { name, operation: 'write', target, method, request, decode: writeOutcome },
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

function notYet(operation: string): DEngineError {
  return new DEngineError('Unsupported', `${operation} is not in this version yet`);
}
