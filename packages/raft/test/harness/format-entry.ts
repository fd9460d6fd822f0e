import type { Entry } from '@d-engine/base';
import { entryKinds, entryPayload, unreachable } from '@d-engine/base';
import { instanceName } from './names.ts';
import { decodeBinding, decodeBootstrap } from './raft-under-test.ts';

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
