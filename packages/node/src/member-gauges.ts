import type { Gauge, Metrics } from '@d-engine/base';
import type { Raft } from '@d-engine/raft';

/** Where a member stands at one moment. */
export interface MemberFigures {
  readonly raft: Raft;
  readonly appliedIndex: number;
  readonly pendingWrites: number;
  readonly pendingReads: number;
  readonly keys: number;
  readonly stateBytes: number;
  readonly expiringKeys: number;
  readonly leases: number;
  readonly sessions: number;
  readonly isDiskFull: boolean;
}

/** What is looked at only when somebody asks for the metrics. */
export class MemberGauges {
  readonly #term: Gauge;
  readonly #isLeader: Gauge;
  readonly #hasLeader: Gauge;
  readonly #commitIndex: Gauge;
  readonly #appliedIndex: Gauge;
  readonly #durableIndex: Gauge;
  readonly #lastLogIndex: Gauge;
  readonly #flushLag: Gauge;
  readonly #pendingWrites: Gauge;
  readonly #pendingReads: Gauge;
  readonly #keys: Gauge;
  readonly #stateBytes: Gauge;
  readonly #expiringKeys: Gauge;
  readonly #leases: Gauge;
  readonly #sessions: Gauge;
  readonly #diskFull: Gauge;
  readonly #peerLag: (peer: string) => Gauge;

  constructor(metrics: Metrics) {
    const gauge = (name: string, help: string): Gauge => metrics.gauge(name, help);
    this.#term = gauge('d_engine_term', 'Current term');
    this.#isLeader = gauge('d_engine_is_leader', '1 while this member leads');
    this.#hasLeader = gauge('d_engine_has_leader', '1 while this member knows a leader');
    this.#commitIndex = gauge('d_engine_commit_index', 'Highest index known committed');
    this.#appliedIndex = gauge('d_engine_applied_index', 'Highest index in the state machine');
    this.#durableIndex = gauge('d_engine_durable_index', 'Highest index synced to disk');
    this.#lastLogIndex = gauge('d_engine_last_log_index', 'Highest index in the log');
    this.#flushLag = gauge(
      'd_engine_flush_lag_entries',
      'Entries in memory only: last log index less durable index',
    );
    this.#pendingWrites = gauge('d_engine_pending_writes', 'Writes waiting for their answer');
    this.#pendingReads = gauge('d_engine_pending_reads', 'Reads waiting for their answer');
    this.#keys = gauge('d_engine_keys', 'Keys in the store');
    this.#stateBytes = gauge('d_engine_state_bytes', 'Bytes of keys and values in the store');
    this.#expiringKeys = gauge('d_engine_expiring_keys', 'Keys with a TTL of their own');
    this.#leases = gauge('d_engine_leases', 'Leases that are granted');
    this.#sessions = gauge('d_engine_sessions', 'Sessions that are open');
    this.#diskFull = gauge(
      'd_engine_disk_full',
      '1 while something waits for room on the disk: writes stop when the log file is full',
    );
    this.#peerLag = (peer) =>
      metrics.gauge('d_engine_peer_lag_entries', 'Entries a peer is behind (leader only)', {
        peer,
      });
  }

  refresh(figures: MemberFigures): void {
    const { raft } = figures;
    this.#term.set(raft.term);
    this.#isLeader.set(raft.role === 'leader' ? 1 : 0);
    this.#hasLeader.set(raft.leaderId === null ? 0 : 1);
    this.#commitIndex.set(raft.commitIndex);
    this.#appliedIndex.set(figures.appliedIndex);
    this.#durableIndex.set(raft.durableIndex);
    this.#lastLogIndex.set(raft.lastLogIndex);
    this.#flushLag.set(raft.lastLogIndex - raft.durableIndex);
    this.#pendingWrites.set(figures.pendingWrites);
    this.#pendingReads.set(figures.pendingReads);
    this.#keys.set(figures.keys);
    this.#stateBytes.set(figures.stateBytes);
    this.#expiringKeys.set(figures.expiringKeys);
    this.#leases.set(figures.leases);
    this.#sessions.set(figures.sessions);
    this.#diskFull.set(figures.isDiskFull ? 1 : 0);
    for (const peer of raft.progress()) {
      this.#peerLag(String(peer.nodeId)).set(raft.lastLogIndex - peer.matchIndex);
    }
  }
}
