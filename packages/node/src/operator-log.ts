import type { Clock, Logger, NodeId } from '@d-engine/base';
import { unreachable } from '@d-engine/base';
import type { Effects, Notice, Raft, StateChange } from '@d-engine/raft';
import { logMessages } from './message-log.ts';

/** A follower that acknowledges nothing for this long is worth a line. */
const unacknowledgedMs = 2_000;
const repeatIntervalMs = 5_000;

const formationStopped = {
  alreadyFormed: 'this member does not form a cluster; it waits for a leader',
  otherVoters:
    'no cluster is formed while members name different ones in initial_cluster: mend it there ' +
    'or here and start that node again',
} as const;

/** What operators read and grep for: leadership, formation, refusals and lagging peers. */
export class OperatorLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #nodeId: NodeId;
  #announcedLeaderTerm = 0;
  /** Since when a peer's match index has not moved although it lags, and where it stood. */
  readonly #lagging = new Map<NodeId, { matchIndex: number; sinceMs: number; saidAtMs: number }>();

  constructor(options: { logger: Logger; clock: Clock; nodeId: NodeId }) {
    this.#logger = options.logger;
    this.#clock = options.clock;
    this.#nodeId = options.nodeId;
  }

  onEffects(effects: Effects): void {
    if (effects.stateChange !== undefined) this.#stateChange(effects.stateChange);
    const removedFrom = effects.persist?.truncateFrom;
    if (removedFrom !== undefined) {
      this.#logger.debug('entries that never committed were removed', { from: removedFrom });
    }
    for (const notice of effects.notices) this.#notice(notice);
    logMessages(this.#logger, effects.messages);
  }

  #stateChange(change: StateChange): void {
    const { role, term, leaderId } = change;
    if (change.steppedDownBecause !== undefined) {
      this.#logger.warn('stepped down', {
        node: this.#nodeId,
        term,
        why: change.steppedDownBecause,
      });
    }
    this.#logger.info('state', { node: this.#nodeId, role, term, leader: leaderId });
    if (role !== 'leader' || this.#announcedLeaderTerm === term) return;
    this.#announcedLeaderTerm = term;
    this.#logger.always('Became leader', { node: this.#nodeId, term });
  }

  #notice(notice: Notice): void {
    switch (notice.type) {
      case 'formed':
        this.#logger.info('cluster formed', { index: notice.index });
        return;
      case 'memberBound':
        this.#logger.info('member bound', { node: notice.nodeId, instance: notice.instanceId });
        return;
      case 'memberRefused':
        this.#logger.error('member refused: it counts in nothing', {
          node: notice.nodeId,
          instance: notice.instanceId,
          why: notice.reason,
        });
        return;
      case 'formationStopped':
        this.#logger.warn(formationStopped[notice.reason], {
          because_of: notice.nodeId,
          why: notice.reason,
        });
        return;
      case 'transferTimedOut':
        this.#logger.warn('leadership was not handed over in time', { target: notice.target });
        return;
      case 'membersChanged': {
        const { voters, outgoingVoters, learners } = notice.configuration;
        const outgoing = outgoingVoters.length === 0 ? undefined : outgoingVoters.join();
        this.#logger.info('members changed', {
          index: notice.index,
          voters: voters.join(),
          outgoing,
          learners: learners.join(),
        });
        return;
      }
      case 'removed':
        this.#logger.warn(
          'this member was removed from the cluster: stop it; to return, wipe its data and join',
          { index: notice.index },
        );
        return;
      case 'recovered':
        this.#logger.info('recovered: this member holds all again that it may have forgotten');
        return;
      case 'possibleDataLoss':
        this.#logger.error(
          'POSSIBLE DATA LOSS: too many voters lost what they had in memory; all together ' +
            'elected this leader, a new history begins, and writes above the index may be gone',
          { node: this.#nodeId, term: notice.term, index: notice.index },
        );
        return;
      case 'historyGivenUp':
        // The error that this member stops with says it.
        return;
      default:
        unreachable(notice, 'notice');
    }
  }

  /** Called now and then on the leader: names peers that replication does not reach. */
  watchLag(raft: Raft): void {
    if (raft.role !== 'leader') {
      this.#lagging.clear();
      return;
    }
    const now = this.#clock.monotonicMs();
    for (const { nodeId, matchIndex } of raft.progress()) {
      const seen = this.#lagging.get(nodeId);
      if (matchIndex >= raft.lastLogIndex) this.#lagging.delete(nodeId);
      else if (seen === undefined || seen.matchIndex !== matchIndex) {
        this.#lagging.set(nodeId, { matchIndex, sinceMs: now, saidAtMs: seen?.saidAtMs ?? 0 });
      } else if (now - seen.sinceMs >= unacknowledgedMs) {
        if (seen.saidAtMs !== 0 && now - seen.saidAtMs < repeatIntervalMs) continue;
        seen.saidAtMs = now;
        const seconds = ((now - seen.sinceMs) / 1000).toFixed(1);
        // A new leader knows nothing of a log before its first answer.
        const known =
          matchIndex === 0
            ? { match_index: 'unknown', lag: 'unknown' }
            : { match_index: matchIndex, lag: raft.lastLogIndex - matchIndex };
        this.#logger.warn(
          `append_entries to peer ${nodeId} unacknowledged for ${seconds} s`,
          known,
        );
      }
    }
  }
}
