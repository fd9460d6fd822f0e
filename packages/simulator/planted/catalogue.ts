import type { Preset } from '../src/scenario.ts';

/** A change to the source that breaks a safety rule; applied at bundling, never in the tree. */
export interface PlantedBug {
  readonly name: string;
  /** The promise that it breaks, and the design rule. */
  readonly breaks: string;
  /** From the repository's root. */
  readonly file: string;
  /** Must occur exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** Faults that bring it out soonest. */
  readonly preset: Preset;
}

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'acknowledge before fsync',
    breaks: 'an acknowledged write survives a power loss of all members (decision 4)',
    file: 'packages/storage/src/segmented-log.ts',
    find: 'await this.#file.writeAndSync(plan.offset, plan.chunks);',
    replace: 'await this.#file.write(plan.offset, plan.chunks);',
    preset: 'durability',
  },
  {
    name: 'forget the vote',
    breaks: 'one vote a term, across crashes (Raft paper, figure 2)',
    file: 'packages/storage/src/hard-state-file.ts',
    find: 'owner: this.#owner, state: this.#wanted };',
    replace: 'owner: this.#owner, state: { ...this.#wanted, votedFor: null } };',
    preset: 'votes',
  },
  {
    name: 'lease from the newest send time',
    breaks: 'a lease read never misses an acknowledged write (rule 4)',
    file: 'packages/raft/src/raft.ts',
    find: 'leader.tokens.sentAt(quorumToken(core, leader))',
    replace: 'leader.tokens.sentAt(leader.tokens.latest)',
    preset: 'leases',
  },
];
