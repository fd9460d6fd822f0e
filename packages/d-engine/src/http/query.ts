import { DEngineError } from '@d-engine/base';

/**
 * The parameters of a query string. Stricter than URLSearchParams, which turns broken escapes
 * into other characters: one would read another key than the one that was asked for.
 */
export function parseQuery(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const part of query.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decode(equals < 0 ? part : part.slice(0, equals));
    if (parameters.has(name)) {
      throw new DEngineError(
        'InvalidRequest',
        `parameter ${JSON.stringify(name)} is given twice; an "&" inside a value is written %26`,
      );
    }
    parameters.set(name, equals < 0 ? '' : decode(part.slice(equals + 1)));
  }
  return parameters;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (error) {
    throw new DEngineError(
      'InvalidRequest',
      `${JSON.stringify(text)} in the query is not percent-encoded UTF-8: write "%" as %25`,
      { cause: error },
    );
  }
}
