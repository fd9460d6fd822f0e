import type { Entry, LogIndex, NodeId } from '@d-engine/base';
import { entryKinds, entryPayload } from '@d-engine/base';
import type { Configuration } from '../configuration.ts';
import { configurationOf } from '../configuration.ts';
import { decodeBootstrap, decodeConfigurationChange } from '../membership-codec.ts';

export interface LogConfiguration {
  readonly index: LogIndex;
  readonly configuration: Configuration;
}

/** The configurations of a log by index, read from its entries alone. */
export function configurationsOf(log: readonly Entry[]): LogConfiguration[] {
  const found: LogConfiguration[] = [];
  for (const entry of log) {
    const { index, kind } = entry;
    if (kind === entryKinds.bootstrap) {
      const { members } = decodeBootstrap(entryPayload(entry));
      found.push({ index, configuration: configurationOf(members) });
    } else if (kind === entryKinds.configuration) {
      const { configuration } = decodeConfigurationChange(entryPayload(entry));
      found.push({ index, configuration });
    }
  }
  return found;
}

/**
 * Design rule 13 by what stands in a log: it is in force from its append on, one change at a time,
 * and each follows from the one before it by one voter or through a joint configuration. Returns
 * what is wrong.
 */
export function configurationProblem(
  log: readonly Entry[],
  inForce: Configuration,
  committedIndex: LogIndex,
): string | undefined {
  const found = configurationsOf(log);
  const last = found.at(-1);
  if (last === undefined) return undefined;
  if (JSON.stringify(inForce) !== JSON.stringify(last.configuration)) {
    return `does not go by the configuration ${last.index} of its log`;
  }
  const open = found.filter(({ index }) => index > committedIndex);
  if (open.length > 1) return `has ${open.length} changes in flight`;
  for (const [position, { index, configuration }] of found.entries()) {
    const before = found[position - 1]?.configuration;
    if (before !== undefined && !follows(before, configuration)) {
      return `has a configuration ${index} that makes a leap`;
    }
  }
  return undefined;
}

function follows(before: Configuration, after: Configuration): boolean {
  const isSame = (one: readonly NodeId[], other: readonly NodeId[]): boolean =>
    one.join() === other.join();
  if (before.outgoingVoters.length > 0) {
    return after.outgoingVoters.length === 0 && isSame(before.voters, after.voters);
  }
  if (after.outgoingVoters.length > 0) return isSame(before.voters, after.outgoingVoters);
  const come = after.voters.filter((id) => !before.voters.includes(id));
  const gone = before.voters.filter((id) => !after.voters.includes(id));
  return come.length + gone.length <= 1 && after.voters.length > 0;
}

/** Whether these are a majority of each half of the configuration that this log ends with. */
export function isHeldByQuorum(log: readonly Entry[], isHolding: (id: NodeId) => boolean): boolean {
  const configuration = configurationsOf(log).at(-1)?.configuration;
  if (configuration === undefined) return false;
  const { voters, outgoingVoters } = configuration;
  return [voters, outgoingVoters].every(
    (half) => half.length === 0 || 2 * half.filter(isHolding).length > half.length,
  );
}
