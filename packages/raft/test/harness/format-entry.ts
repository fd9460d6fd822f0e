import type { Entry } from '@d-engine/base';
import { entryKinds, entryPayload, unreachable } from '@d-engine/base';
import { instanceName } from './names.ts';
import type { Configuration } from './raft-under-test.ts';
import { decodeBinding, decodeBootstrap, decodeConfigurationChange } from './raft-under-test.ts';

/** `5@2`: the entry with index 5 of term 2; then what it does. */
export function formatEntry(entry: Entry): string {
  const place = `${entry.index}@${entry.term}`;
  const what = formatContent(entry);
  return what === '' ? place : `${place} ${what}`;
}

export function formatEntries(entries: readonly Entry[]): string {
  return entries.map(formatEntry).join(', ');
}

function formatContent(entry: Entry): string {
  const payload = entryPayload(entry);
  switch (entry.kind) {
    case entryKinds.noop:
      return 'noop';
    case entryKinds.bootstrap: {
      const bound = decodeBootstrap(payload).bindings.map(({ instanceId }) => instanceId);
      return `bootstrap(${bound.map(instanceName).join(' ')})`;
    }
    case entryKinds.binding:
      return `binding(${instanceName(decodeBinding(payload).instanceId)})`;
    case entryKinds.configuration: {
      const { configuration, bindings } = decodeConfigurationChange(payload);
      const bound = bindings.map(({ instanceId }) => ` ${instanceName(instanceId)}`);
      return `members(${formatConfiguration(configuration)}${bound.join('')})`;
    }
    case entryKinds.verify:
      return 'verify';
    case entryKinds.newHistory:
      return 'new-history';
    case entryKinds.time:
      return 'time';
    case entryKinds.command:
      return Buffer.from(payload).toString('utf8');
    default:
      return unreachable(entry.kind, 'entry kind');
  }
}

/** `1,2,3`: voters; then `from 1,2` while joint, and learners behind a plus. */
export function formatConfiguration(configuration: Configuration): string {
  const { voters, outgoingVoters, learners, nextLearners } = configuration;
  const parts = [voters.join(',')];
  if (outgoingVoters.length > 0) parts.push(`from ${outgoingVoters.join(',')}`);
  if (learners.length > 0) parts.push(`+${learners.join(',')}`);
  if (nextLearners.length > 0) parts.push(`next ${nextLearners.join(',')}`);
  return parts.join(' ');
}
