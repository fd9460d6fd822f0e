/**
 * How often another node led than before: the first leader is no change, nor is one that is elected
 * anew. `logs` are those of the nodes, each from its first start on.
 */
export function countLeaderChanges(logs: readonly string[]): number {
  const leaderOfTerm = new Map<number, number>();
  for (const log of logs) {
    for (const [, node, term] of log.matchAll(/ Became leader node=(\d+) term=(\d+)$/gm)) {
      leaderOfTerm.set(Number(term), Number(node));
    }
  }
  const terms = [...leaderOfTerm.keys()].sort((first, second) => first - second);
  const leaders = terms.map((term) => leaderOfTerm.get(term));
  return leaders.filter((leader, at) => at > 0 && leader !== leaders[at - 1]).length;
}
