import { DEngineError } from '@d-engine/base';
import { describePosition, findJsonProblem } from './json-scan.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Throws `InvalidRequest` for all but one JSON object in UTF-8 without a field given twice. */
export function parseJsonObject(bytes: Uint8Array): JsonObject {
  const text = decodeUtf8(bytes);
  if (/^\s*$/.test(text)) {
    throw new DEngineError(
      'InvalidRequest',
      'the body is empty: send a JSON object, as in {"key":"k","value":"v"}',
    );
  }
  const problem = findJsonProblem(text);
  if (problem !== undefined) {
    const position = describePosition(text, problem.offset);
    throw new DEngineError(
      'InvalidRequest',
      `the body is not valid JSON at ${position}: ${problem.message}`,
    );
  }
  const value: unknown = JSON.parse(text);
  if (isObject(value)) return value;
  throw new DEngineError('InvalidRequest', 'the body must be a JSON object: {"key": ...}');
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new DEngineError(
      'InvalidRequest',
      'the body is not UTF-8; send bytes that are no text as base64, with "encoding":"base64"',
      { cause: error },
    );
  }
}
