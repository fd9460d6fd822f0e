import type { NodeId } from '@d-engine/base';
import { assert, limits, must } from '@d-engine/base';

/**
 * Where one half's values are put in order. Kept between calls, because a leader asks after every
 * acknowledgement; nothing in it is meant to survive a call.
 */
const scratch = new Float64Array(limits.membersMax);

/**
 * The largest value that a majority of `voters` and, when joint, a majority of `outgoing` have
 * acknowledged (Raft dissertation, section 4.3). It need not be an index: a send time or a token
 * works as well. What is missing counts as 0. A half without voters constrains nothing: both
 * halves empty gives Infinity.
 */
export function committedIndex(
  voters: readonly NodeId[],
  outgoing: readonly NodeId[],
  acknowledged: (id: NodeId) => number | undefined,
): number {
  const incoming = majorityValue(voters, acknowledged);
  return outgoing.length === 0
    ? incoming
    : Math.min(incoming, majorityValue(outgoing, acknowledged));
}

function majorityValue(
  voters: readonly NodeId[],
  acknowledged: (id: NodeId) => number | undefined,
): number {
  const count = voters.length;
  if (count === 0) return Number.POSITIVE_INFINITY;
  assert(count <= scratch.length, () => `${count} voters are more than the limit`);
  let position = 0;
  for (const voter of voters) scratch[position++] = acknowledged(voter) ?? 0;
  // In rising order, the values from this rank to the end are a majority's.
  return selectRank(count, count - majorityOf(count));
}

/** The value that has `rank` smaller or equal ones before it; reorders the first `count`. */
function selectRank(count: number, rank: number): number {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const pivot = valueAt((low + high) >>> 1);
    let left = low;
    let right = high;
    while (left <= right) {
      while (valueAt(left) < pivot) left++;
      while (valueAt(right) > pivot) right--;
      if (left <= right) swap(left++, right--);
    }
    if (rank <= right) high = right;
    else if (rank >= left) low = left;
    else break;
  }
  return valueAt(rank);
}

function valueAt(position: number): number {
  return must(scratch[position], 'a value of the scratch');
}

function swap(first: number, second: number): void {
  const value = valueAt(first);
  scratch[first] = valueAt(second);
  scratch[second] = value;
}

export type VoteResult = 'won' | 'lost' | 'pending';

/**
 * How an election stands. `lost`: those who have not voted yet cannot turn it any more. A half
 * without voters is won.
 */
export function voteResult(
  voters: readonly NodeId[],
  outgoing: readonly NodeId[],
  voteOf: (id: NodeId) => boolean | undefined,
): VoteResult {
  const incoming = majorityVote(voters, voteOf);
  if (outgoing.length === 0 || incoming === 'lost') return incoming;
  const other = majorityVote(outgoing, voteOf);
  return incoming === 'won' || other === 'lost' ? other : 'pending';
}

function majorityVote(
  voters: readonly NodeId[],
  voteOf: (id: NodeId) => boolean | undefined,
): VoteResult {
  if (voters.length === 0) return 'won';
  let granted = 0;
  let missing = 0;
  for (const voter of voters) {
    const vote = voteOf(voter);
    if (vote === undefined) missing += 1;
    else if (vote) granted += 1;
  }
  const needed = majorityOf(voters.length);
  if (granted >= needed) return 'won';
  return granted + missing >= needed ? 'pending' : 'lost';
}

/** The smallest number of `count` voters that any two such sets must share one of. */
function majorityOf(count: number): number {
  return Math.floor(count / 2) + 1;
}
