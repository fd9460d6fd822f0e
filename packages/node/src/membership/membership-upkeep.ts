import type { Clock, Counter, Logger, Metrics, NodeId, Timer } from '@d-engine/base';
import type { Raft } from '@d-engine/raft';
import { whomToPromote } from './auto-promotion.ts';
import type { MembershipSettings } from './membership-settings.ts';
import { SilentMembers } from './silent-members.ts';

/** What a leader does for its members by itself: promotes, and names those that need a look. */
export class MembershipUpkeep {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #raft: Raft;
  readonly #settings: MembershipSettings;
  readonly #silentMs: number;
  readonly #requestTurn: () => void;
  readonly #silent = new SilentMembers();
  readonly #promotions: Counter;
  readonly #warnings: Counter;
  /** When each learner was first seen by this leader, and whether it was named since. */
  readonly #learners = new Map<NodeId, { sinceMs: number; told: boolean }>();
  #nextSilenceMs = 0;
  #nextStaleMs = 0;
  #timer: Timer | undefined;

  constructor(options: {
    readonly clock: Clock;
    readonly logger: Logger;
    readonly metrics: Metrics;
    readonly raft: Raft;
    readonly settings: MembershipSettings;
    /** A member that was not heard of for so long is silent. */
    readonly silentMs: number;
    readonly requestTurn: () => void;
  }) {
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#raft = options.raft;
    this.#settings = options.settings;
    this.#silentMs = options.silentMs;
    this.#requestTurn = options.requestTurn;
    const { metrics } = options;
    const promoted = 'Learners that this leader promoted by itself';
    this.#promotions = metrics.counter('d_engine_membership_promotions_total', promoted);
    const named = 'Members that were named as silent, or as learners that do not catch up';
    this.#warnings = metrics.counter('d_engine_membership_warnings_total', named);
  }

  start(): void {
    this.#timer = this.#clock.setTimer(this.#settings.catchUpCheckIntervalMs, () => {
      this.#look();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    if (this.#raft.role !== 'leader') {
      this.#learners.clear();
      return;
    }
    this.#promote();
    const now = this.#clock.monotonicMs();
    if (now >= this.#nextSilenceMs) {
      this.#nextSilenceMs = now + this.#settings.silenceCheckIntervalMs;
      this.#nameSilent(now);
    }
    if (now < this.#nextStaleMs) return;
    this.#nextStaleMs = now + this.#settings.staleCheckIntervalMs;
    this.#nameStale(now);
  }

  #promote(): void {
    const raft = this.#raft;
    const { catchUpEntriesMax } = this.#settings;
    const { configuration, lastLogIndex } = raft;
    if (configuration.learners.length === 0) return;
    const promote = whomToPromote(configuration, raft.progress(), lastLogIndex, catchUpEntriesMax);
    if (promote.length === 0) return;
    const change = { add: [], promote, remove: [] };
    const result = raft.changeMembership(change, this.#clock.now());
    if (!result.accepted) return;
    this.#promotions.add(promote.length);
    this.#logger.info('promoting learners that have caught up', { nodes: promote.join() });
    this.#requestTurn();
  }

  #nameSilent(now: number): void {
    const peers = this.#raft.progress().filter(({ leaving }) => !leaving);
    const { silentLooksMax } = this.#settings;
    for (const node of this.#silent.look(peers, now, this.#silentMs, silentLooksMax)) {
      this.#warnings.add();
      this.#logger.warn('a member is silent: start it, or remove it if it is gone for good', {
        node,
      });
    }
  }

  #nameStale(now: number): void {
    const raft = this.#raft;
    const { members } = raft.configuration;
    const waiting = members.filter(({ role, promotable }) => role === 'learner' && promotable);
    for (const id of this.#learners.keys()) {
      if (!waiting.some((member) => member.id === id)) this.#learners.delete(id);
    }
    const caughtUp = new Set(
      raft
        .progress()
        .filter((peer) => peer.caughtUp)
        .map(({ nodeId }) => nodeId),
    );
    for (const { id } of waiting) {
      const seen = this.#learners.get(id) ?? { sinceMs: now, told: false };
      this.#learners.set(id, seen);
      const isStale = now - seen.sinceMs >= this.#settings.staleLearnerMs && !caughtUp.has(id);
      if (!isStale || seen.told) continue;
      seen.told = true;
      this.#warnings.add();
      this.#logger.warn('a learner has not caught up: mend it, or remove it', { node: id });
    }
  }
}
