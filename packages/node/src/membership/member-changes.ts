import type { Address, DEngineError, Env, MemberChangeResult, NodeId } from '@d-engine/base';
import type { Raft } from '@d-engine/raft';
import {
  decodeMemberChangeResult,
  encodeMemberChangeRequest,
  methods,
  toDEngineError,
} from '@d-engine/wire';
import type { Leadership } from '../write-router.ts';
import type { LeaderChanges } from './leader-changes.ts';
import type { MemberRequest } from './member-action.ts';

/** Between two tries to find the leader. */
const retryPauseMs = 100;
/** The leader answers before its caller gives up. */
const answerMarginMs = 200;

/** Changes of members as any member takes them: the leader makes them, and others ask it. */
export class MemberChanges {
  readonly #env: Pick<Env, 'clock' | 'network'>;
  readonly #raft: Raft;
  readonly #leader: LeaderChanges;
  readonly #addressOf: (nodeId: NodeId) => Address | undefined;
  readonly #leadership: Leadership;

  constructor(options: {
    readonly env: Pick<Env, 'clock' | 'network'>;
    readonly raft: Raft;
    readonly leader: LeaderChanges;
    /** For links of this member's own. */
    readonly addressOf: (nodeId: NodeId) => Address | undefined;
    readonly leadership: Leadership;
  }) {
    this.#env = options.env;
    this.#raft = options.raft;
    this.#leader = options.leader;
    this.#addressOf = options.addressOf;
    this.#leadership = options.leadership;
  }

  /** By this member alone, as the leader's: another one is not asked. */
  here(request: MemberRequest, waitMs: number): Promise<MemberChangeResult> {
    return this.#leader.submit(request, waitMs);
  }

  /** Wherever the leader is, and also when another one takes over meanwhile. */
  async request(request: MemberRequest, waitMs: number): Promise<MemberChangeResult> {
    const { closed } = this.#leadership;
    if (closed !== undefined) throw closed;
    const { clock } = this.#env;
    const deadlineAtMs = clock.monotonicMs() + waitMs;
    for (;;) {
      const leftMs = Math.max(1, deadlineAtMs - clock.monotonicMs());
      try {
        return await this.#once(request, leftMs);
      } catch (error) {
        const failed = toDEngineError(error);
        const isOver = clock.monotonicMs() + retryPauseMs >= deadlineAtMs;
        if (isOver || !leaderMayDiffer(failed)) throw failed;
      }
      await new Promise<void>((resolve) => {
        clock.setTimer(retryPauseMs, resolve);
      });
    }
  }

  async #once(request: MemberRequest, leftMs: number): Promise<MemberChangeResult> {
    const { leaderId, role } = this.#raft;
    if (role === 'leader' || request.action === 'join') return this.here(request, leftMs);
    const address = leaderId === null ? undefined : this.#addressOf(leaderId);
    if (address === undefined) throw this.#leadership.noLeader();
    const { action, nodeId } = request;
    const waitMs = Math.max(1, Math.floor(leftMs - answerMarginMs));
    const bytes = encodeMemberChangeRequest({ action, nodeId, waitMs, forwarded: true });
    const channel = this.#env.network.connect(address, { plane: 'control' });
    try {
      const answer = await channel.call(methods.changeMember, bytes, { deadlineMs: leftMs });
      return decodeMemberChangeResult(answer.message);
    } finally {
      channel.close();
    }
  }
}

/** What was asked wants a state, so that asking the next leader once more does no harm. */
function leaderMayDiffer({ name }: DEngineError): boolean {
  return name === 'NotLeader' || name === 'ClusterUnavailable' || name === 'ConnectionTimeout';
}
