import type { LogIndex, NodeId } from '@d-engine/base';
import type { Configuration } from '@d-engine/raft';
import { voteResult } from '@d-engine/raft';

/** What is known of the states of all members as of one entry. */
export type Judgement =
  /** Too few have told; time or the next entry will. */
  | { readonly type: 'pending' }
  | { readonly type: 'agreed'; readonly digest: string }
  /** Whatever the rest says, no quorum can agree any more. */
  | { readonly type: 'split' };

/** A member that lags tells late; what is older than so many entries is not judged any more. */
const indexesMax = 64;

/** The digests that members told of their states, by verify entry. */
export class StateDigests {
  // Invariant: rising indexes, at most `indexesMax`.
  readonly #byIndex = new Map<LogIndex, Map<NodeId, string>>();

  /** The first word of a member counts. False: too old to be of use. */
  add(index: LogIndex, nodeId: NodeId, digest: string): boolean {
    const digests = this.#byIndex.get(index) ?? this.#begin(index);
    if (digests === undefined) return false;
    if (!digests.has(nodeId)) digests.set(nodeId, digest);
    return true;
  }

  of(index: LogIndex, nodeId: NodeId): string | undefined {
    return this.#byIndex.get(index)?.get(nodeId);
  }

  /** Who told of this entry. */
  tellers(index: LogIndex): NodeId[] {
    return [...(this.#byIndex.get(index)?.keys() ?? [])];
  }

  /** Voters alone are a quorum; of both halves when joint. */
  judge(index: LogIndex, { voters, outgoingVoters }: Configuration): Judgement {
    const digests = this.#byIndex.get(index);
    if (digests === undefined) return { type: 'pending' };
    let open = voteResult(voters, outgoingVoters, (id) => (digests.has(id) ? false : undefined));
    for (const digest of new Set(digests.values())) {
      const result = voteResult(voters, outgoingVoters, (id) => {
        const told = digests.get(id);
        return told === undefined ? undefined : told === digest;
      });
      if (result === 'won') return { type: 'agreed', digest };
      if (result === 'pending') open = 'pending';
    }
    return { type: open === 'lost' ? 'split' : 'pending' };
  }

  #begin(index: LogIndex): Map<NodeId, string> | undefined {
    const newest = [...this.#byIndex.keys()].at(-1) ?? 0;
    const digests = new Map<NodeId, string>();
    if (index > newest) {
      this.#byIndex.set(index, digests);
      const [oldest] = this.#byIndex.keys();
      if (this.#byIndex.size > indexesMax && oldest !== undefined) this.#byIndex.delete(oldest);
      return digests;
    }
    // A peer that is ahead of this member told of a newer entry first.
    if (this.#byIndex.size >= indexesMax) return undefined;
    const sorted = [...this.#byIndex, [index, digests] as const].sort(([a], [b]) => a - b);
    this.#byIndex.clear();
    for (const [at, told] of sorted) this.#byIndex.set(at, told);
    return digests;
  }
}
