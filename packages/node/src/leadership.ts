import type { Address, LeaderHint, NodeId } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import type { Raft } from '@d-engine/raft';
import type { MemberCondition } from './member-condition.ts';
import type { Transport } from './peers/transport.ts';
import type { NodeSettings } from './settings.ts';
import type { Leadership } from './write-router.ts';

/** Who leads, as callers must hear it, and why a request cannot be served when nobody does. */
export class MemberLeadership implements Leadership {
  readonly #raft: Raft;
  readonly #settings: NodeSettings;
  readonly #transport: Transport;
  readonly #condition: MemberCondition;

  constructor(options: {
    raft: Raft;
    settings: NodeSettings;
    transport: Transport;
    condition: MemberCondition;
  }) {
    this.#raft = options.raft;
    this.#settings = options.settings;
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

  /** The leader and its address as configured; undefined while none is known. */
  get hint(): LeaderHint | undefined {
    const id = this.#raft.leaderId;
    if (id === null) return undefined;
    const address = this.addressOf(id);
    return address === undefined ? undefined : { id, address };
  }

  addressOf(id: NodeId): Address | undefined {
    if (id === this.#settings.nodeId) {
      return this.#settings.advertiseAddress ?? this.#settings.listenAddress;
    }
    const configured = this.#raft.configuration.members.find((member) => member.id === id);
    const listed = this.#settings.initialMembers.find((member) => member.id === id);
    return listed?.address ?? configured?.address;
  }

  notLeader(): DEngineError {
    const leader = this.hint;
    if (leader === undefined || leader.id === this.#settings.nodeId) return this.noLeader();
    return new DEngineError(
      'NotLeader',
      `Not leader: ask node ${leader.id} at ${leader.address}`,
      { leader },
    );
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
    const names = missing.map((id) => `${id} (${this.addressOf(id) ?? 'no address'})`).join(', ');
    return (
      `node ${self} reaches ${reached} of ${voters.length} voters and a quorum needs ${quorum}; ` +
      `not connected: ${names}. Start the missing members or mend the network`
    );
  }
}
