import { DEngineError } from '@d-engine/base';
import type { JsonObject } from './json-body.ts';

/** Throws unless all `given` names are `known`; tells which are. `place`: `POST /put`. */
export function refuseUnknown(
  what: 'field' | 'parameter',
  given: Iterable<string>,
  known: readonly string[],
  place: string,
): void {
  for (const name of given) {
    if (known.includes(name)) continue;
    const choice = known.length === 0 ? 'none' : known.join(', ');
    throw new DEngineError(
      'InvalidRequest',
      `unknown ${what} ${JSON.stringify(name)}; ${what}s of ${place}: ${choice}`,
    );
  }
}

/** The text of a field that must be there. */
export function textField(body: JsonObject, name: string): string {
  const value = requiredField(body, name);
  if (typeof value === 'string') return wellFormed(value, name);
  throw new DEngineError('InvalidRequest', `"${name}" must be a string, not ${typeName(value)}`);
}

/** A whole number that must be there. */
export function numberField(body: JsonObject, name: string, least: number, most: number): number {
  const value = requiredField(body, name);
  const fits = typeof value === 'number' && Number.isInteger(value);
  if (fits && value >= least && value <= most) return value;
  throw new DEngineError(
    'InvalidRequest',
    `"${name}" must be a whole number from ${least} to ${most}`,
  );
}

/** The text of a field that must be there, where null has a meaning of its own. */
export function nullableTextField(body: JsonObject, name: string, meaning: string): string | null {
  const value = requiredField(body, name, `; null means: ${meaning}`);
  if (value === null) return null;
  if (typeof value === 'string') return wellFormed(value, name);
  throw new DEngineError(
    'InvalidRequest',
    `"${name}" must be a string or null (${meaning}), not ${typeName(value)}`,
  );
}

function requiredField(body: JsonObject, name: string, hint = ''): unknown {
  if (Object.hasOwn(body, name)) return body[name];
  throw new DEngineError('InvalidRequest', `"${name}" is missing in the body${hint}`);
}

/** Half of a surrogate pair has no UTF-8: two such keys would become the same one. */
function wellFormed(text: string, name: string): string {
  if (!/\p{Surrogate}/u.test(text)) return text;
  throw new DEngineError(
    'InvalidRequest',
    `"${name}" holds half of a surrogate pair, which is no text` +
      (name === 'key' ? '' : '; use "encoding":"base64" for bytes'),
  );
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
