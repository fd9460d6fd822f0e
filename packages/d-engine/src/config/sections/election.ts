/** `[raft.election]` */
export const electionSection = {
  path: 'raft.election',
  doc: 'When a follower that hears nothing asks for votes.',
  keys: {
    timeoutMinMs: {
      key: 'election_timeout_min',
      type: 'integer',
      unit: 'ms',
      default: 1000,
      minimum: 100,
      effect: 'active',
      doc: 'Least silence before an election; also how long votes are refused to others.',
      differs: {
        original: '500',
        reason: 'the guide promises an election within 1 to 2 s; a lease of 500 ms needs the room',
      },
    },
    timeoutMaxMs: {
      key: 'election_timeout_max',
      type: 'integer',
      unit: 'ms',
      default: 2000,
      minimum: 101,
      effect: 'active',
      doc: 'Most silence before an election; each one draws its own time between the two.',
      differs: {
        original: '1000',
        reason: 'as election_timeout_min',
      },
    },
    peerMonitorIntervalSeconds: {
      key: 'rpc_peer_connection_monitor_interval_in_sec',
      type: 'integer',
      unit: 's',
      default: 30,
      minimum: 1,
      effect: 'not-yet',
      aliases: ['rpc_peer_connectinon_monitor_interval_in_sec'],
      doc: 'How often the connections to peers are looked at.',
    },
    internalRequestId: {
      key: 'internal_rpc_client_request_id',
      type: 'ignored',
      effect: 'dead',
      doc: 'Reserved in the original.',
    },
  },
} as const;
