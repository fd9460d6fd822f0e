import { type Consistency, consistencies, DEngineError } from '@d-engine/base';

/** As in the config: the short names and the three long ones. */
const longNames: Readonly<Record<Consistency, string>> = {
  linearizable: 'LinearizableRead',
  lease: 'LeaseRead',
  eventual: 'EventualConsistency',
};

const byName = new Map<string, Consistency>();
for (const consistency of consistencies) {
  byName.set(consistency, consistency);
  byName.set(longNames[consistency].toLowerCase(), consistency);
}

/** What `consistency=` asks for, in any case. Throws for an unknown name. */
export function parseConsistency(name: string): Consistency {
  const consistency = byName.get(name.toLowerCase());
  if (consistency !== undefined) return consistency;
  const long = consistencies.map((known) => longNames[known]).join(', ');
  throw new DEngineError(
    'InvalidRequest',
    `consistency ${JSON.stringify(name)} is not known: use ${consistencies.join(', ')} ` +
      `(or ${long})`,
  );
}

/**
 * The server's `default_policy` may be binding. A client that explicitly asks for another one is
 * refused: served by the default it would get less, or pay more, than it asked for.
 */
export function refuseOverride(
  wanted: Consistency | undefined,
  policy: { readonly allowClientOverride: boolean; readonly defaultConsistency: Consistency },
): void {
  if (wanted === undefined || policy.allowClientOverride) return;
  if (wanted === policy.defaultConsistency) return;
  throw new DEngineError(
    'InvalidRequest',
    `consistency=${wanted} is refused: this cluster answers all reads as ` +
      `${policy.defaultConsistency} (allow_client_override = false); leave the parameter out`,
  );
}
