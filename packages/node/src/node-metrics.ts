import type { Clock, Counter, Gauge, Histogram, LogIndex, Metrics, NodeId } from '@d-engine/base';
import type { Outgoing, Raft } from '@d-engine/raft';
import type { SettleWrite } from './proposals.ts';
import type { ReadRequest } from './reads.ts';
import { RecoveryMetrics } from './recovery-metrics.ts';
import type { MeasuredState } from './state-metrics.ts';
import { StateMetrics } from './state-metrics.ts';

const latencyBoundsMs = [0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000];
const batchBounds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096];

/** The series of one member, bound once. */
export class NodeMetrics {
  readonly writes: Counter;
  readonly writeFailures: Counter;
  readonly writeMs: Histogram;
  readonly reads: Counter;
  readonly readFailures: Counter;
  /** Answered by the leader alone, under its lease. */
  readonly leaseReads: Counter;
  /** Batches of reads that a quorum was asked to confirm. */
  readonly readConfirmations: Counter;
  readonly forwards: Counter;
  /** Turns after which writes still waited: one turn proposes only so many. */
  readonly fullTurns: Counter;
  readonly cutAppends: Counter;
  readonly leaderChanges: Counter;
  readonly loopStalls: Counter;
  readonly recovery: RecoveryMetrics;
  readonly persistMs: Histogram;
  readonly persistEntries: Histogram;
  readonly #term: Gauge;
  readonly #isLeader: Gauge;
  readonly #hasLeader: Gauge;
  readonly #commitIndex: Gauge;
  readonly #durableIndex: Gauge;
  readonly #lastLogIndex: Gauge;
  readonly #flushLag: Gauge;
  readonly #pendingWrites: Gauge;
  readonly #pendingReads: Gauge;
  readonly #state: StateMetrics;
  readonly #diskFull: Gauge;
  readonly #peerLag: (peer: string) => Gauge;
  readonly clock: Clock;
  #leaderId: NodeId | null = null;

  constructor(metrics: Metrics, clock: Clock) {
    this.clock = clock;
    this.recovery = new RecoveryMetrics(metrics);
    const counter = (name: string, help: string): Counter => metrics.counter(name, help);
    const gauge = (name: string, help: string): Gauge => metrics.gauge(name, help);
    this.writes = counter('d_engine_writes_total', 'Writes asked for, on every road in');
    this.writeFailures = counter('d_engine_write_failures_total', 'Writes answered by an error');
    this.writeMs = metrics.histogram(
      'd_engine_write_duration_ms',
      'From the arrival of a write to its answer',
      latencyBoundsMs,
    );
    this.reads = counter('d_engine_reads_total', 'Reads asked for, on every road in');
    this.readFailures = counter('d_engine_read_failures_total', 'Reads answered by an error');
    this.leaseReads = counter(
      'd_engine_lease_reads_total',
      'Reads that this leader answered alone, under its lease',
    );
    this.readConfirmations = counter(
      'd_engine_read_confirmations_total',
      'Batches of reads that a quorum was asked to confirm',
    );
    this.forwards = counter('d_engine_forwards_total', 'Writes passed on to the leader');
    this.fullTurns = counter(
      'd_engine_full_turns_total',
      'Turns that left writes for the next one, having proposed as many as one may',
    );
    this.cutAppends = counter(
      'd_engine_cut_appends_total',
      'Append messages that left entries for the next one',
    );
    this.leaderChanges = counter('d_engine_leader_changes_total', 'Leaders that this member saw');
    this.loopStalls = counter(
      'd_engine_event_loop_stalls_total',
      'Times that the event loop was blocked for more than half an election timeout',
    );
    this.persistMs = metrics.histogram(
      'd_engine_persist_duration_ms',
      'From handing a write to the log until it was durable',
      latencyBoundsMs,
    );
    this.persistEntries = metrics.histogram(
      'd_engine_persist_entries',
      'Entries of one write to the log',
      batchBounds,
    );
    this.#term = gauge('d_engine_term', 'Current term');
    this.#isLeader = gauge('d_engine_is_leader', '1 while this member leads');
    this.#hasLeader = gauge('d_engine_has_leader', '1 while this member knows a leader');
    this.#commitIndex = gauge('d_engine_commit_index', 'Highest index known committed');
    this.#durableIndex = gauge('d_engine_durable_index', 'Highest index synced to disk');
    this.#lastLogIndex = gauge('d_engine_last_log_index', 'Highest index in the log');
    this.#flushLag = gauge(
      'd_engine_flush_lag_entries',
      'Entries in memory only: last log index less durable index',
    );
    this.#pendingWrites = gauge('d_engine_pending_writes', 'Writes waiting for their answer');
    this.#pendingReads = gauge('d_engine_pending_reads', 'Reads waiting for their answer');
    this.#state = new StateMetrics(metrics);
    this.#diskFull = gauge(
      'd_engine_disk_full',
      '1 while something waits for room on the disk: writes stop when the log file is full',
    );
    this.#peerLag = peerLagGauges(metrics);
  }

  /** Messages leave, of a log that ends there. */
  sent(messages: readonly Outgoing[], lastLogIndex: LogIndex): void {
    for (const { message } of messages) {
      if (message.type !== 'appendRequest' || message.entries.length === 0) continue;
      if (message.prevLogIndex + message.entries.length < lastLogIndex) this.cutAppends.add();
    }
  }

  /** The leader that this member knows now, the same one or another. */
  leaderSeen(leaderId: NodeId | null): void {
    if (leaderId !== null && leaderId !== this.#leaderId) this.leaderChanges.add();
    if (leaderId !== null) this.#leaderId = leaderId;
  }

  /** Counts a write from now to its answer. */
  countedWrite(settle: SettleWrite): SettleWrite {
    const startedAtMs = this.clock.monotonicMs();
    this.writes.add();
    return (reply) => {
      if (!reply.ok) this.writeFailures.add();
      this.writeMs.observe(this.clock.monotonicMs() - startedAtMs);
      settle(reply);
    };
  }

  countedRead(request: ReadRequest): ReadRequest {
    this.reads.add();
    const settle: ReadRequest['settle'] = (reply) => {
      if (!reply.ok) this.readFailures.add();
      request.settle(reply);
    };
    return { ...request, settle };
  }

  /** Brings the gauges up to date; called when somebody looks. */
  refresh(sources: {
    raft: Raft;
    state: MeasuredState;
    pendingWrites: number;
    pendingReads: number;
    isDiskFull: boolean;
  }): void {
    const { raft } = sources;
    this.#state.refresh(sources.state);
    this.recovery.recovering.set(raft.recovering ? 1 : 0);
    this.#term.set(raft.term);
    this.#isLeader.set(raft.role === 'leader' ? 1 : 0);
    this.#hasLeader.set(raft.leaderId === null ? 0 : 1);
    this.#commitIndex.set(raft.commitIndex);
    this.#durableIndex.set(raft.durableIndex);
    this.#lastLogIndex.set(raft.lastLogIndex);
    this.#flushLag.set(raft.lastLogIndex - raft.durableIndex);
    this.#pendingWrites.set(sources.pendingWrites);
    this.#pendingReads.set(sources.pendingReads);
    this.#diskFull.set(sources.isDiskFull ? 1 : 0);
    for (const peer of raft.progress()) {
      this.#peerLag(String(peer.nodeId)).set(raft.lastLogIndex - peer.matchIndex);
    }
  }
}

function peerLagGauges(metrics: Metrics): (peer: string) => Gauge {
  const help = 'Entries a peer is behind (leader only)';
  return (peer) => metrics.gauge('d_engine_peer_lag_entries', help, { peer });
}
