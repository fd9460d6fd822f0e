import type { IncomingCall, NodeStatus } from '@d-engine/base';
import {
  encodeClusterMembership,
  encodeLeaderDiscoveryResponse,
  encodeNodeStatus,
  methods,
} from '@d-engine/wire';
import { hintAddress } from '../addresses.ts';
import type { CallHandler } from './member-service.ts';

/** What a member tells of itself and of its cluster; local, never waits. */
export class ClusterCalls {
  readonly #status: () => NodeStatus;

  constructor(options: { status: () => NodeStatus }) {
    this.#status = options.status;
  }

  handlers(): [string, CallHandler][] {
    return [
      [methods.status, (call) => call.reply(encodeNodeStatus(forCaller(this.#status(), call)))],
      [methods.clusterMetadata, (call) => this.#metadata(call)],
      [methods.discoverLeader, (call) => this.#discoverLeader(call)],
    ];
  }

  #metadata(call: IncomingCall): void {
    const status = forCaller(this.#status(), call);
    call.reply(
      encodeClusterMembership({
        version: 0,
        nodes: status.members.map((member) => ({
          id: member.id,
          address: member.address,
          role: roleOf(status, member),
          status: statusNames[member.status],
        })),
        currentLeaderId: status.leader?.id,
      }),
    );
  }

  #discoverLeader(call: IncomingCall): void {
    const status = forCaller(this.#status(), call);
    if (status.leader === null) {
      call.fail({ status: 'unavailable', message: 'Leader not discovered' });
      return;
    }
    const { id, address } = status.leader;
    const term = status.term;
    call.reply(encodeLeaderDiscoveryResponse({ leaderId: id, leaderAddress: address, term }));
  }
}

const statusNames = { active: 'active', promotable: 'promotable', read_only: 'readOnly' } as const;

function roleOf(
  status: NodeStatus,
  member: NodeStatus['members'][number],
): 'leader' | 'follower' | 'learner' {
  if (member.role === 'learner') return 'learner';
  return status.leader?.id === member.id ? 'leader' : 'follower';
}

/** Addresses that this caller can dial. */
function forCaller(status: NodeStatus, call: IncomingCall): NodeStatus {
  const host = call.localHost;
  const { leader, members } = status;
  return {
    ...status,
    leader: leader && { id: leader.id, address: hintAddress(leader.address, host) },
    members: members.map((m) => ({ ...m, address: hintAddress(m.address, host) })),
  };
}
