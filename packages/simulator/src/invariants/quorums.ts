import type { NodeId } from '@d-engine/base';
import { must } from '@d-engine/base';
import type { Configuration } from '@d-engine/raft';

type Voters = Pick<Configuration, 'voters' | 'outgoingVoters'>;

/** Counted apart from the code under test: a majority of each half that has voters. */
export function hasQuorum(configuration: Voters, counts: (id: NodeId) => boolean): boolean {
  return halves(configuration).every(
    (half) => half.filter((id) => counts(id)).length >= majorityOf(half),
  );
}

/** The largest value that the members of some quorum all reach. */
export function quorumValue(configuration: Voters, reachedBy: (id: NodeId) => number): number {
  const values = halves(configuration).map((half) => {
    const sorted = half.map(reachedBy).sort((one, other) => other - one);
    return must(sorted[majorityOf(half) - 1], 'a half without voters');
  });
  return Math.min(...values);
}

/** Whether any quorum of the one has a member in any quorum of the other. */
export function overlap(one: Voters, other: Voters): boolean {
  return halves(one).some((half) =>
    halves(other).some((otherHalf) => {
      const union = new Set([...half, ...otherHalf]);
      return majorityOf(half) + majorityOf(otherHalf) > union.size;
    }),
  );
}

function halves({ voters, outgoingVoters }: Voters): readonly (readonly NodeId[])[] {
  return [voters, outgoingVoters].filter((half) => half.length > 0);
}

function majorityOf(half: readonly NodeId[]): number {
  return Math.floor(half.length / 2) + 1;
}
