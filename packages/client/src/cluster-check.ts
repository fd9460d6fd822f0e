import {
  type Clock,
  type ClusterId,
  DEngineError,
  type Logger,
  type NodeStatus,
  StatusError,
} from '@d-engine/base';
import { decodeNodeStatus, methods, statusRequestBytes } from '@d-engine/wire';
import { type AttemptFailure, failureOfCall } from './attempt-failure.ts';
import { hintedAddress } from './endpoint-address.ts';
import type { Endpoint, EndpointPool } from './endpoint-pool.ts';
import type { OperationScope } from './operation-scope.ts';

export interface ClusterCheckOptions {
  readonly pool: EndpointPool;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Undefined: that of the first member that answers. */
  readonly clusterId: ClusterId | undefined;
  readonly timeoutMs: number;
}

/**
 * Keeps the client to one cluster (design rule 14): a list of endpoints that mixes two, or an
 * address that went to another cluster, must not split the data of one user over both. Asked once
 * before the first use of each connection: who answers at an address may change between two.
 */
export class ClusterCheck {
  readonly #options: ClusterCheckOptions;
  #clusterId: ClusterId | undefined;

  constructor(options: ClusterCheckOptions) {
    this.#options = options;
    this.#clusterId = options.clusterId;
  }

  /** Undefined when the endpoint may be used, or when the operation has ended meanwhile. */
  async verify(endpoint: Endpoint, scope: OperationScope): Promise<AttemptFailure | undefined> {
    endpoint.check ??= this.#ask(endpoint);
    return scope.within(endpoint.check);
  }

  /** Holds a member's own words against what is known of the cluster. */
  compare(endpoint: Endpoint, status: NodeStatus): AttemptFailure | undefined {
    const { clusterId } = status;
    // A cluster that forms has no name yet, and nothing can be read or written in it.
    if (clusterId === null) return undefined;
    this.#clusterId ??= clusterId;
    if (clusterId === this.#clusterId) return undefined;
    const text =
      `it belongs to cluster ${clusterId}, the others to ${this.#clusterId}: ` +
      'mend the list of endpoints';
    this.#options.logger.warn('endpoint of another cluster', {
      endpoint: endpoint.address,
      cluster: clusterId,
      expected: this.#clusterId,
    });
    return { error: new DEngineError('WrongCluster', text), source: 'server', refused: true };
  }

  async #ask(endpoint: Endpoint): Promise<AttemptFailure | undefined> {
    const { connectionNumber } = endpoint.channel;
    try {
      const deadlineMs = this.#options.timeoutMs;
      const answer = await endpoint.channel.call(methods.status, statusRequestBytes, {
        deadlineMs,
      });
      const status = decodeNodeStatus(answer.message);
      const failure = this.compare(endpoint, status);
      if (failure !== undefined) return failure;
      // A cluster that forms is asked again: it may still become another one than ours.
      if (status.clusterId !== null) endpoint.verifiedConnection = connectionNumber;
      this.#learnLeader(endpoint, status);
      return undefined;
    } catch (thrown) {
      const failure = this.#judge(thrown);
      if (failure === undefined) endpoint.verifiedConnection = connectionNumber;
      return failure;
    } finally {
      endpoint.check = undefined;
    }
  }

  #learnLeader(endpoint: Endpoint, status: NodeStatus): void {
    if (this.#options.pool.hasLeader || status.leader === null) return;
    const address = hintedAddress(status.leader.address, endpoint.address);
    if (address !== undefined) this.#options.pool.believe(address);
  }

  #judge(thrown: unknown): AttemptFailure | undefined {
    if (thrown instanceof StatusError) {
      const failure = failureOfCall(thrown, 'read');
      if (failure.source !== 'server') {
        // The operation itself was not sent at all.
        const name = failure.error.name === 'TlsFailed' ? 'TlsFailed' : 'ClusterUnavailable';
        const error = new DEngineError(name, thrown.message, { cause: thrown });
        return { error, source: 'unreachable', refused: true };
      }
    }
    // Nodes of the original have no such service, and later ones may say more than we can read.
    return undefined;
  }
}
