import type { Findings } from './findings.ts';
import type { SectionValues } from './key-declaration.ts';
import { type MergedSettings, pathOf } from './merged-settings.ts';
import type { ClusterConfig } from './node-config.ts';
import { tlsSection } from './sections/tls.ts';
import { describeOrigin } from './setting-node.ts';

type TlsValues = SectionValues<typeof tlsSection>;
type TlsField = keyof TlsValues;

/** The rules that need no look at the files; those are read when the node starts. */
export function settleTls(
  merged: MergedSettings,
  cluster: ClusterConfig,
  findings: Findings,
): TlsValues {
  const values = merged.section(tlsSection);
  if (!findings.sound(tlsSection)) return values;
  const refuse = (field: TlsField, what: string, pointAt: readonly TlsField[] = [field]): void => {
    const key = pathOf(tlsSection, field);
    const origin = merged.originOf(tlsSection, ...pointAt);
    findings.problem(`${key} = true ${what}`, { origin, key });
  };
  const { enabled, mutual, selfSigned } = values;
  if (mutual && !enabled) refuse('mutual', `needs ${pathOf(tlsSection, 'enabled')} = true`);
  if (!selfSigned) return values;
  const paths = ['serverCertificatePath', 'serverPrivateKeyPath'] as const;
  if (paths.some((field) => merged.isSet(tlsSection, field))) {
    refuse('selfSigned', 'excludes paths of a certificate', paths);
  }
  if (enabled) checkTrust(merged, values, cluster, refuse);
  else warnOfNoUse(merged, findings);
  return values;
}

/** Nobody vouches for such a certificate: each one that is trusted is in a file. */
function checkTrust(
  merged: MergedSettings,
  { mutual }: TlsValues,
  cluster: ClusterConfig,
  refuse: (field: TlsField, what: string) => void,
): void {
  const asks = (field: TlsField, who: string): void => {
    if (merged.isSet(tlsSection, field)) return;
    refuse('selfSigned', `${who} needs ${pathOf(tlsSection, field)}, a file with all of theirs`);
  };
  if (cluster.members.length > 1) asks('authorityPath', 'with other members');
  if (mutual) asks('clientAuthorityPath', `with ${pathOf(tlsSection, 'mutual')}`);
}

function warnOfNoUse(merged: MergedSettings, findings: Findings): void {
  const setting = merged.setting(tlsSection, 'selfSigned');
  if (setting === undefined) return;
  const place = describeOrigin(setting.origin);
  const needed = pathOf(tlsSection, 'enabled');
  findings.warn(`${setting.spelling} = true is of no use without ${needed} = true (${place})`);
}
