import type { Findings } from './findings.ts';
import type { MergedSettings } from './merged-settings.ts';
import type { PersistenceConfig } from './node-config.ts';
import { persistenceSection } from './sections/persistence.ts';
import { describeOrigin } from './setting-node.ts';

/** Of MemFirst, unless a policy is written: a sync for each turn is what DiskFirst is for. */
const memFirstDefault = { kind: 'batch', threshold: 1_024, intervalMs: 100 } as const;

/** MemFirst gets a flush policy of its own; where it is told to sync each write it says so. */
export function settlePersistence(merged: MergedSettings, findings: Findings): PersistenceConfig {
  const values = merged.section(persistenceSection);
  if (values.strategy === 'DiskFirst') return values;
  const written = merged.setting(persistenceSection, 'flushPolicy');
  if (written === undefined) return { ...values, flushPolicy: memFirstDefault };
  if (values.flushPolicy.kind === 'immediate') {
    findings.warn(
      `config key ${written.spelling} = "Immediate" takes from MemFirst what it is for: each ` +
        'write is synced at once and yet acknowledged before that. Use DiskFirst, or ' +
        `{ Batch = { threshold = 1000, interval_ms = 100 } } (${describeOrigin(written.origin)})`,
    );
  }
  return values;
}
