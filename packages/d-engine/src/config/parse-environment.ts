import type { Findings } from './findings.ts';
import { newTable, type Origin, type TableNode } from './setting-node.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const prefix = 'RAFT__';
const separator = '__';

/**
 * `RAFT__RAFT__ELECTION__ELECTION_TIMEOUT_MIN` is the key raft.election.election_timeout_min.
 * Empty variables count as absent, so that a start script can pass them on blindly.
 */
export function parseEnvironmentSettings(environment: Environment, findings: Findings): TableNode {
  const root = newTable({ kind: 'environment', variable: 'the environment' });
  for (const variable of Object.keys(environment).sort()) {
    if (!variable.toUpperCase().startsWith(prefix)) continue;
    const text = environment[variable]?.trim() ?? '';
    if (text === '') continue;
    const segments = variable.slice(prefix.length).toLowerCase().split(separator);
    putVariable(root, segments, text, { kind: 'environment', variable }, findings);
  }
  return root;
}

function putVariable(
  root: TableNode,
  segments: readonly string[],
  text: string,
  origin: Origin,
  findings: Findings,
): void {
  let table = root;
  for (const segment of segments.slice(0, -1)) {
    const found = table.entries.get(segment);
    if (found !== undefined && found.kind !== 'table') {
      findings.problem('another variable sets the table that this one is a part of', { origin });
      return;
    }
    const next = found ?? newTable(origin);
    table.entries.set(segment, next);
    table = next;
  }
  const last = segments[segments.length - 1] ?? '';
  if (table.entries.has(last)) {
    findings.problem('another variable sets this key or a part of it', { origin });
    return;
  }
  table.entries.set(last, { kind: 'text', value: text, origin });
}

/** The value of a variable that is not a config key; undefined when absent or empty. */
export function readVariable(environment: Environment, name: string): string | undefined {
  const text = environment[name]?.trim() ?? '';
  return text === '' ? undefined : text;
}
