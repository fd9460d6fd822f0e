import type { Findings } from './findings.ts';
import type { SectionValues } from './key-declaration.ts';
import { type MergedSettings, pathOf } from './merged-settings.ts';
import { limitsSection } from './sections/front.ts';

/** A put must fit in a request; a default gives way to what the user set. */
export function settleLimits(
  merged: MergedSettings,
  findings: Findings,
): SectionValues<typeof limitsSection> {
  let values = merged.section(limitsSection);
  if (!findings.sound(limitsSection)) return values;
  for (const field of ['valueBytesMax', 'keyBytesMax'] as const) {
    const { keyBytesMax, valueBytesMax, requestBytesMax } = values;
    if (keyBytesMax + valueBytesMax < requestBytesMax) return values;
    if (merged.isSet(limitsSection, field)) continue;
    // Half of the request at most goes to the key, the rest to the value.
    const room = requestBytesMax - 1 - (field === 'valueBytesMax' ? keyBytesMax : valueBytesMax);
    const fitted = Math.max(room, Math.floor(requestBytesMax / 2) - 1);
    values = { ...values, [field]: Math.min(values[field], fitted) };
  }
  const { keyBytesMax, valueBytesMax, requestBytesMax } = values;
  if (keyBytesMax + valueBytesMax < requestBytesMax) return values;
  const key = `${pathOf(limitsSection, 'keyBytesMax')} = ${keyBytesMax}`;
  const value = `${pathOf(limitsSection, 'valueBytesMax')} = ${valueBytesMax}`;
  const request = `${pathOf(limitsSection, 'requestBytesMax')} = ${requestBytesMax}`;
  findings.problem(`${key} and ${value} together must be below ${request}`, {
    origin: merged.originOf(limitsSection, 'requestBytesMax', 'valueBytesMax', 'keyBytesMax'),
    key: pathOf(limitsSection, 'requestBytesMax'),
  });
  return values;
}
