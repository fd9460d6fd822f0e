import { newTable, type Origin, type SettingNode, type TableNode } from './setting-node.ts';

/** Reads JSON from an environment variable; undefined when it is not JSON. */
export function parseJsonSetting(text: string, origin: Origin): SettingNode | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return nodeOf(value, origin);
}

/** An object of tables and values, as a file would have them; what is undefined is not there. */
export function readObject(object: object): TableNode {
  const origin: Origin = { kind: 'object' };
  const node = nodeOf(object, origin);
  return node.kind === 'table' ? node : newTable(origin);
}

function nodeOf(value: unknown, origin: Origin): SettingNode {
  if (typeof value === 'string') return { kind: 'string', value, origin };
  if (typeof value === 'boolean') return { kind: 'boolean', value, origin };
  if (typeof value === 'number') {
    return { kind: Number.isInteger(value) ? 'integer' : 'float', value, origin };
  }
  if (Array.isArray(value)) {
    return { kind: 'array', items: value.map((item) => nodeOf(item, origin)), origin };
  }
  // null has no counterpart in TOML: as text it meets the message for a wrong type.
  if (value === null) return { kind: 'string', value: 'null', origin };
  const table = newTable(origin);
  for (const [name, item] of Object.entries(value as object)) {
    if (item !== undefined) table.entries.set(name, nodeOf(item, origin));
  }
  return table;
}
