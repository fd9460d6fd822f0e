import type { InstanceId, NodeId } from '@d-engine/base';
import type { Member } from './configuration.ts';
import { configurationOf } from './configuration.ts';
import type { Notice } from './effects.ts';
import type { PeerHello, RaftConfig } from './raft-config.ts';

/**
 * Names a set of initial members: 16 hex digits (FNV-1a, 64 bits) over ids and roles in order of
 * id. Addresses are left out: two files may well spell the same host differently, and only ids and
 * roles decide who can form a cluster. Not meant to withstand an attacker.
 */
export function initialVotersHash(members: readonly Member[]): string {
  let hash = 0xcbf29ce484222325n;
  for (const member of configurationOf(members).members) {
    for (const byte of Buffer.from(`${member.id}:${member.role};`)) {
      hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
    }
  }
  return hash.toString(16).padStart(16, '0');
}

/**
 * Whether an empty voter may found a cluster (design rule 2): only when a majority is as empty as
 * itself and names the same voters, and the rest had time to say otherwise.
 */
export class Formation {
  readonly #self: NodeId;
  readonly #hash: string;
  readonly #voters: readonly NodeId[];
  readonly #waitedMs: number;
  /** Who answered "empty", and as which instance. */
  readonly #empty: Map<NodeId, InstanceId> = new Map();
  /** Who named other voters when it was last heard; it may mend its list and start again. */
  readonly #disagreeing: Set<NodeId> = new Set();
  #stopped: boolean;

  /** `barred`: this member must not found anything: a learner, or one that was in a cluster. */
  constructor(config: RaftConfig, barred: boolean, startMs: number) {
    this.#self = config.nodeId;
    this.#hash = initialVotersHash(config.initialMembers);
    this.#voters = configurationOf(config.initialMembers).voters;
    this.#waitedMs = startMs + 2 * config.electionTimeoutMaxMs;
    this.#stopped = barred || !this.#voters.includes(config.nodeId);
  }

  /** It waits for a leader: for the whole run, or until everybody names the same voters. */
  get stopped(): boolean {
    return this.#stopped || this.#disagreeing.size > 0;
  }

  /** Takes a peer's answer. Returns what to tell the operator when it stops formation. */
  answered(hello: PeerHello): Notice | undefined {
    if (this.#stopped) return undefined;
    if (hello.state === 'formed') {
      this.#stopped = true;
      return { type: 'formationStopped', nodeId: hello.nodeId, reason: 'alreadyFormed' };
    }
    if (hello.initialVotersHash !== this.#hash) return this.#disagree(hello.nodeId);
    this.#disagreeing.delete(hello.nodeId);
    this.#empty.set(hello.nodeId, hello.instanceId);
    return undefined;
  }

  #disagree(nodeId: NodeId): Notice | undefined {
    this.#empty.delete(nodeId);
    if (this.#disagreeing.has(nodeId)) return undefined;
    this.#disagreeing.add(nodeId);
    return { type: 'formationStopped', nodeId, reason: 'otherVoters' };
  }

  mayCampaign(atMs: number): boolean {
    if (this.stopped) return false;
    let empty = 0;
    for (const voter of this.#voters) {
      if (voter === this.#self || this.#empty.has(voter)) empty += 1;
    }
    if (empty * 2 <= this.#voters.length) return false;
    return empty === this.#voters.length || atMs >= this.#waitedMs;
  }
}
