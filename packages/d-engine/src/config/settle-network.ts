import type { Plane } from '@d-engine/base';
import type { Findings } from './findings.ts';
import type { KeyValues, SectionDeclaration } from './key-declaration.ts';
import { type MergedSettings, pathOf } from './merged-settings.ts';
import { planeKeys, planeSections } from './sections/network.ts';

type PlaneValues = KeyValues<typeof planeKeys>;
type PlaneField = keyof PlaneValues;

/** HTTP/2 begins with windows of this size; a smaller one would stall a connection. */
const windowBytesMin = 65_535;

interface Relation {
  readonly lower: PlaneField;
  readonly upper: PlaneField;
  /** Whether they may be equal. */
  readonly equal: boolean;
}

const timeouts: Relation = { lower: 'connectTimeoutMs', upper: 'requestTimeoutMs', equal: false };
const keepalives: Relation = {
  lower: 'keepaliveTimeoutSeconds',
  upper: 'keepaliveIntervalSeconds',
  equal: false,
};
const windows: Relation = {
  lower: 'streamWindowBytes',
  upper: 'connectionWindowBytes',
  equal: true,
};

/**
 * The values of one plane. Where a key that the user set does not fit a default, the default gives
 * way: a file need not repeat a whole plane to change one number. Two set keys must fit.
 */
export function settlePlane(merged: MergedSettings, plane: Plane, findings: Findings): PlaneValues {
  const section = planeSections[plane];
  let values = merged.variant(section, planeKeys);
  if (!findings.sound(section)) return values;
  const context: FitContext = { merged, section, findings };
  // 0 means that calls have no deadline.
  if (values.requestTimeoutMs !== 0) values = fitRelation(values, timeouts, context);
  values = fitRelation(values, keepalives, context);
  if (values.windowAdaptive) return values;
  values = fitRelation(values, windows, context);
  for (const field of ['streamWindowBytes', 'connectionWindowBytes'] as const) {
    if (values[field] >= windowBytesMin || !merged.isSet(section, field)) continue;
    const key = pathOf(section, field);
    findings.problem(`${key} = ${values[field]} must be at least ${windowBytesMin}`, {
      origin: merged.originOf(section, field),
      key,
    });
  }
  return values;
}

interface FitContext {
  readonly merged: MergedSettings;
  readonly section: SectionDeclaration;
  readonly findings: Findings;
}

function fitRelation(values: PlaneValues, relation: Relation, context: FitContext): PlaneValues {
  const { lower, upper, equal } = relation;
  const { merged, section, findings } = context;
  const low = Number(values[lower]);
  const high = Number(values[upper]);
  if (equal ? low <= high : low < high) return values;
  if (!merged.isSet(section, lower)) {
    const fitted = equal ? high : Math.floor(high / 2);
    if (fitted >= 1) return { ...values, [lower]: fitted };
  } else if (!merged.isSet(section, upper)) {
    return { ...values, [upper]: equal ? low : low * 2 };
  }
  const relationText = equal ? 'must not be above' : 'must be below';
  const message = `${pathOf(section, lower)} = ${low} ${relationText} ${pathOf(section, upper)}`;
  findings.problem(`${message} = ${high}`, {
    origin: merged.originOf(section, lower, upper),
    key: pathOf(section, lower),
  });
  return values;
}
