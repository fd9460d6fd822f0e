import type { Findings } from './findings.ts';
import type { MergedSettings } from './merged-settings.ts';
import type { PersistenceConfig } from './node-config.ts';
import { persistenceSection } from './sections/persistence.ts';
import { describeOrigin } from './setting-node.ts';

/** MemFirst is accepted, as the guides use it, and runs as the stronger DiskFirst for now. */
export function settlePersistence(merged: MergedSettings, findings: Findings): PersistenceConfig {
  const values = merged.section(persistenceSection);
  const setting = merged.setting(persistenceSection, 'strategy');
  if (values.strategy === 'MemFirst' && setting !== undefined) {
    const place = describeOrigin(setting.origin);
    findings.warn(
      `config key ${setting.spelling} = "MemFirst" runs as DiskFirst for now (${place})`,
    );
  }
  return { ...values, strategy: 'DiskFirst', requestedStrategy: values.strategy };
}
