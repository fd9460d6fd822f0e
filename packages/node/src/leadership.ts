import type { LeaderHint, NodeId } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import type { Raft } from '@d-engine/raft';
import type { MemberAddresses } from './member-addresses.ts';
import type { MemberCondition } from './member-condition.ts';
import type { Transport } from './peers/transport.ts';
import type { NodeSettings } from './settings.ts';
import type { Leadership } from './write-router.ts';

/** Who leads, as callers must hear it, and why a request cannot be served when nobody does. */
export class MemberLeadership implements Leadership {
  readonly #raft: Raft;
  readonly #settings: NodeSettings;
  readonly #addresses: MemberAddresses;
  readonly #transport: Transport;
  readonly #condition: MemberCondition;

  constructor(options: {
    raft: Raft;
    settings: NodeSettings;
    addresses: MemberAddresses;
    transport: Transport;
    condition: MemberCondition;
  }) {
    this.#raft = options.raft;
    this.#settings = options.settings;
    this.#addresses = options.addresses;
    this.#transport = options.transport;
    this.#condition = options.condition;
  }

  get closed(): DEngineError | undefined {
    return this.#condition.closed;
  }

  get accepting(): boolean {
    return this.#raft.role === 'leader' && this.#raft.proposalsAllowed;
  }

  get otherLeader(): NodeId | undefined {
    const leaderId = this.#raft.leaderId;
    return leaderId === null || leaderId === this.#settings.nodeId ? undefined : leaderId;
  }

  /** The leader and its address for clients; undefined while none is known. */
  get hint(): LeaderHint | undefined {
    const id = this.#raft.leaderId;
    if (id === null) return undefined;
    const address = this.#addresses.toTell(id);
    return address === undefined ? undefined : { id, address };
  }

  notLeader(): DEngineError {
    const { role, transferring, proposalsAllowed } = this.#raft;
    if (role === 'leader' && !transferring && !proposalsAllowed) return noRoom();
    const leader = this.hint;
    if (leader === undefined || leader.id === this.#settings.nodeId) return this.noLeader();
    return new DEngineError('NotLeader', `Not leader: ask node ${leader.id} at ${leader.address}`, {
      leader,
    });
  }

  /** Why Raft did not take a proposal or a read. */
  refusal(reason: string): DEngineError {
    return reason === 'notReady' ? noRoom() : this.notLeader();
  }

  noLeader(): DEngineError {
    const message = `no leader: ${this.#whyNot()}`;
    return new DEngineError('ClusterUnavailable', message, {
      leader: this.hint,
      retryAfterMs: 500,
    });
  }

  #whyNot(): string {
    const voters = this.#raft.configuration.voters;
    const self = this.#settings.nodeId;
    const missing = voters.filter((id) => id !== self && !this.#transport.isConnected(id));
    const reached = voters.length - missing.length;
    const quorum = Math.floor(voters.length / 2) + 1;
    if (reached >= quorum) return 'an election is under way, retry in a moment';
    const names = missing
      .map((id) => `${id} (${this.#addresses.toDial(id) ?? 'no address'})`)
      .join(', ');
    return (
      `node ${self} reaches ${reached} of ${voters.length} voters and a quorum needs ${quorum}; ` +
      `not connected: ${names}. Start the missing members or mend the network`
    );
  }
}

/** It leads, but what it has proposed gains no quorum, or its disk, as fast as more comes in. */
function noRoom(): DEngineError {
  const message = 'too many writes wait for a quorum or the disk already: retry after a pause';
  return new DEngineError('RateLimited', message, { retryAfterMs: 100 });
}
