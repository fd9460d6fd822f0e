import type { Term } from '@d-engine/base';
import type { MemberView } from './member-view.ts';
import { quorumValue } from './quorums.ts';

/** Awake time for timers, polls and the second look at the clock that a stalled loop takes. */
const reactionMs = 50;

/** Of one process of a member, in one term. */
interface Leadership {
  readonly life: object;
  readonly term: Term;
  readonly sinceMs: number;
  /** By its own clock and what was heard at the last look: until then all is well. */
  overdueAtMs: number;
  /** Its time awake when that was found to be past. */
  overdueSinceAwakeMs: number | undefined;
}

/**
 * A leader that no quorum has answered for twice its largest election timeout, by its own clock,
 * leads no more (check-quorum; dissertation, 6.2): its clients look for another one. What was
 * answered is what the network gave to its process. While a process stands still it can do nothing;
 * it steps down soon after it runs again.
 */
export class QuorumContact {
  readonly name = 'a leader hears a quorum';
  readonly #leaderships = new Map<number, Leadership>();

  /** Cheap, for every event of the member: mostly it does no more than read a clock. */
  problem(member: MemberView): string | undefined {
    if (member.role !== 'leader' || member.isStopping) return undefined;
    const { monotonicMs } = member;
    const leadership = this.#leadershipOf(member, monotonicMs);
    if (monotonicMs > leadership.overdueAtMs) {
      const heardMs = Math.max(leadership.sinceMs, quorumHeardMs(member, monotonicMs));
      leadership.overdueAtMs = heardMs + 2 * member.electionTimeoutMaxMs;
    }
    if (monotonicMs <= leadership.overdueAtMs) {
      leadership.overdueSinceAwakeMs = undefined;
      return undefined;
    }
    leadership.overdueSinceAwakeMs ??= member.awakeMs;
    if (member.awakeMs - leadership.overdueSinceAwakeMs <= reactionMs) return undefined;
    const lateMs = Math.round(monotonicMs - leadership.overdueAtMs);
    const silence = `no quorum answered for two election timeouts and ${lateMs} ms`;
    return `node ${member.nodeId} leads term ${member.term}; ${silence}`;
  }

  #leadershipOf({ nodeId, life, term }: MemberView, monotonicMs: number): Leadership {
    const known = this.#leaderships.get(nodeId);
    if (known !== undefined && known.life === life && known.term === term) return known;
    const begun: Leadership = {
      ...{ life, term, sinceMs: monotonicMs },
      overdueAtMs: monotonicMs,
      overdueSinceAwakeMs: undefined,
    };
    this.#leaderships.set(nodeId, begun);
    return begun;
  }
}

/** Until when a quorum, the leader itself among it, had answered. */
function quorumHeardMs(leader: MemberView, monotonicMs: number): number {
  return quorumValue(leader.configuration, (voter) =>
    voter === leader.nodeId ? monotonicMs : (leader.heardAtMs(voter) ?? Number.NEGATIVE_INFINITY),
  );
}
