import type {
  Counter,
  InstanceId,
  LogFields,
  Logger,
  LogIndex,
  LogLevel,
  Metrics,
  NodeId,
  Term,
} from '@d-engine/base';
import { logLevels, silentMetrics } from '@d-engine/base';
import type { CounterName, Counters } from './counters.ts';

export interface LogEvents {
  /** The cluster has this member from now on. */
  readonly onBound: (nodeId: NodeId, instanceId: InstanceId) => void;
  /** This member's disk knows for good that it is part of a cluster. */
  readonly onJoined: () => void;
  /** This member won the election of this term. */
  readonly onLeads: (term: Term) => void;
  /** It told that member to campaign in the next term. */
  readonly onHandsOver: (to: NodeId, term: Term) => void;
  /** At its start it found that a crash had torn one copy of its vote, or that it was rotten. */
  readonly onTornVote: () => void;
  /** It leads by the votes of all, and what was acknowledged above `index` may be gone. */
  readonly onNewHistory: (term: Term, index: LogIndex) => void;
  /** It was told that its state is not that of a quorum. */
  readonly onDiverged: () => void;
  /** Absent: nobody listens, and no line is made. */
  readonly onLog?: (level: LogLevel | 'always', text: string) => void;
}

/** Lines that stand for one event each: their beginning, and what else must hold. */
const countedLines: readonly {
  readonly start: string;
  readonly name: CounterName;
  readonly holds?: (fields: LogFields) => boolean;
}[] = [
  {
    start: 'voteResponse to peer',
    name: 'pre-votes refused',
    holds: (fields) => fields['pre_vote'] === true && fields['granted'] === false,
  },
  {
    start: 'voteResponse to peer',
    name: 'votes refused',
    holds: (fields) => fields['pre_vote'] === false && fields['granted'] === false,
  },
  { start: 'leadership was not handed over in time', name: 'transfers given up' },
  {
    start: 'stepped down',
    name: 'check-quorum step-downs',
    holds: (fields) => fields['why'] === 'no quorum of voters was heard of',
  },
  {
    start: 'member refused',
    name: 'wiped members refused',
    holds: (fields) => fields['why'] === 'otherInstance',
  },
  { start: 'entries that never committed were removed', name: 'uncommitted entries removed' },
  { start: 'appendResponse to peer', name: 'conflict hints' },
  { start: 'Log: cut a torn tail', name: 'torn tails cut' },
  { start: 'recovered: this member holds all again', name: 'members that recovered' },
  { start: 'POSSIBLE DATA LOSS', name: 'elections by every voter' },
  { start: 'Identity: no room to note', name: 'starts not noted for want of room' },
];

/** Counts what the members say, and hands it on when somebody listens. */
export function countingLogger(counters: Counters, events: LogEvents): Logger {
  const { onLog } = events;
  const say =
    (level: LogLevel | 'always') =>
    (message: string, fields: LogFields = {}): void => {
      // One message at trace level is a conflict at debug level: the two share their text.
      if (level !== 'trace') count(counters, message, fields);
      tell(events, message, fields);
      if (onLog === undefined) return;
      const rest = Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`;
      onLog(level, `${message}${rest}`);
    };
  const [trace, debug, info, warn, error] = logLevels.map(say);
  const always = say('always');
  return {
    enabled: (level) => level !== 'trace' || onLog !== undefined,
    trace: trace ?? always,
    debug: debug ?? always,
    info: info ?? always,
    warn: warn ?? always,
    error: error ?? always,
    always,
  };
}

function tell(events: LogEvents, message: string, fields: LogFields): void {
  if (message === 'member bound') {
    events.onBound(Number(fields['node']), String(fields['instance']));
  }
  if (message === 'part of cluster') events.onJoined();
  if (message.startsWith('Became leader')) events.onLeads(Number(fields['term']));
  if (message.startsWith('POSSIBLE DATA LOSS')) {
    events.onNewHistory(Number(fields['term']), Number(fields['index']));
  }
  if (message.startsWith('Hard state: one copy is damaged')) events.onTornVote();
  if (message.startsWith('the state of this member is not')) events.onDiverged();
  if (message.startsWith(handOver)) {
    events.onHandsOver(Number(message.slice(handOver.length)), Number(fields['term']));
  }
}

const handOver = 'timeoutNowRequest to peer ';

function count(counters: Counters, message: string, fields: LogFields): void {
  for (const { start, name, holds } of countedLines) {
    if (message.startsWith(start) && (holds === undefined || holds(fields))) counters.add(name);
  }
}

const countedSeries: Readonly<Record<string, CounterName>> = {
  d_engine_lease_reads_total: 'lease reads answered locally',
  d_engine_read_confirmations_total: 'reads confirmed by a quorum',
  d_engine_forwards_total: 'writes forwarded',
  d_engine_full_turns_total: 'turns that left writes for the next one',
  d_engine_cut_appends_total: 'appends that left entries for the next one',
  d_engine_event_loop_stalls_total: 'event loop stalls noticed',
  d_engine_state_verifications_total: 'states found to agree',
  d_engine_snapshots_taken_total: 'snapshots taken',
  d_engine_snapshots_installed_total: 'snapshots installed',
  d_engine_log_purged_entries_total: 'entries purged',
  d_engine_watch_overflows_total: 'watchers canceled by overflow',
  d_engine_watch_compacted_total: 'watches refused or canceled as compacted',
  d_engine_client_retries_total: 'client retries',
  d_engine_client_redirects_total: 'redirects followed',
};

/** Of members and of clients. */
export function countingMetrics(counters: Counters): Metrics {
  return {
    ...silentMetrics,
    counter: (series): Counter => {
      const name = countedSeries[series];
      if (name === undefined) return silentMetrics.counter(series, '');
      return { add: (amount = 1) => counters.add(name, amount) };
    },
  };
}
