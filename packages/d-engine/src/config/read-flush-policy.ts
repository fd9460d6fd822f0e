import type { Bounds } from './bounds.ts';
import type { FlushPolicy } from './flush-policy.ts';
import { type ReadContext, readInteger, structureOf, wrongType } from './read-scalar.ts';
import type { SettingNode, TableNode } from './setting-node.ts';

const expected = '"Immediate" or { Batch = { threshold = N, interval_ms = M } }';
const thresholdBounds: Bounds = { minimum: 1, maximum: Number.MAX_SAFE_INTEGER };
const intervalBounds: Bounds = { minimum: 1, maximum: 2_147_483_647 };
/** What a batch that names only one of its two numbers gets for the other. */
const thresholdDefault = 1024;
const intervalMsDefault = 100;

/** Names in any case: the environment layer knows lower case only. */
export function readFlushPolicy(node: SettingNode, context: ReadContext): FlushPolicy | undefined {
  const outer = structureOf(node);
  if (outer?.kind === 'string' || outer?.kind === 'text') {
    if (outer.value.toLowerCase() === 'immediate') return { kind: 'immediate' };
    return wrongType(node, expected, context);
  }
  if (outer?.kind !== 'table' || outer.entries.size !== 1) {
    return wrongType(node, expected, context);
  }
  for (const [name, batch] of outer.entries) {
    if (name.toLowerCase() === 'batch' && batch.kind === 'table') return readBatch(batch, context);
  }
  return wrongType(node, expected, context);
}

function readBatch(batch: TableNode, context: ReadContext): FlushPolicy | undefined {
  const { key, findings } = context;
  let threshold: number | undefined = thresholdDefault;
  let intervalMs: number | undefined = intervalMsDefault;
  for (const [name, part] of batch.entries) {
    const partContext: ReadContext = { key: `${key}.Batch.${name}`, findings };
    if (name === 'threshold') {
      threshold = readInteger(part, thresholdBounds, false, partContext);
    } else if (name === 'interval_ms' || name === 'idle_flush_interval_ms') {
      intervalMs = readInteger(part, intervalBounds, false, partContext);
    } else {
      const message = `unknown config key ${partContext.key}; ${key} is ${expected}`;
      findings.problem(message, { origin: part.origin, key: partContext.key });
      return undefined;
    }
  }
  if (threshold === undefined || intervalMs === undefined) return undefined;
  return { kind: 'batch', threshold, intervalMs };
}
