import { type Bounds, describeBounds } from './bounds.ts';
import { type ReadContext, readInteger, structureOf, wrongType } from './read-scalar.ts';
import type { SettingNode } from './setting-node.ts';

const expected = 'a duration { secs = N, nanos = M }';
const nanosBounds: Bounds = { minimum: 0, maximum: 999_999_999 };
const secondsBounds: Bounds = { minimum: 0, maximum: Number.MAX_SAFE_INTEGER };

/** `{ secs = N, nanos = M }`, one of them at least, to milliseconds. */
export function readDuration(
  node: SettingNode,
  bounds: Bounds,
  context: ReadContext,
): number | undefined {
  const table = structureOf(node);
  if (table?.kind !== 'table' || table.entries.size === 0)
    return wrongType(node, expected, context);
  const { key, findings } = context;
  let ms = 0;
  for (const [name, part] of table.entries) {
    if (name !== 'secs' && name !== 'nanos') {
      const message = `unknown config key ${key}.${name}; ${key} is ${expected}`;
      findings.problem(message, { origin: part.origin, key: `${key}.${name}` });
      return undefined;
    }
    const partBounds = name === 'secs' ? secondsBounds : nanosBounds;
    const value = readInteger(part, partBounds, false, { key: `${key}.${name}`, findings });
    if (value === undefined) return undefined;
    ms += name === 'secs' ? value * 1000 : value / 1_000_000;
  }
  // Rounded up: a duration of a few nanoseconds is short, not absent.
  const rounded = Math.ceil(ms);
  if (rounded >= bounds.minimum && rounded <= bounds.maximum) return rounded;
  findings.problem(`${key} = ${ms} ms is out of range: it must be ${describeBounds(bounds)} ms`, {
    origin: node.origin,
    key,
  });
  return undefined;
}
