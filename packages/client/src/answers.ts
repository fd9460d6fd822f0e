import {
  type Consistency,
  DEngineError,
  type KeyValue,
  type LeaseStatus,
  MalformedMessage,
  type ReadResult,
  type ScanResult,
} from '@d-engine/base';
import {
  type ClientResponse,
  decodeClientResponse,
  decodeScanResponse,
  type FoundKey,
  type Operation,
  type WriteOutcome,
} from '@d-engine/wire';
import { type AttemptFailure, failureOfResponse } from './attempt-failure.ts';

/** What one attempt came to. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: AttemptFailure };

/** What a member answered to a write. */
export function writeOutcome(message: Uint8Array): Outcome<WriteOutcome> {
  return outcomeOf(message, 'write', (response) =>
    response.type === 'write' ? response : undefined,
  );
}

/** What a member answered to a read of these keys. */
export function readOutcome(
  message: Uint8Array,
  keys: readonly Uint8Array[],
  asked: Consistency | undefined,
): Outcome<ReadResult> {
  return outcomeOf(message, 'read', (response) => {
    if (response.type !== 'read') return undefined;
    return {
      entries: align(keys, response.results),
      revision: response.revision,
      // The original does not say; it reads as it was asked to, else by its strictest default.
      consistency: response.consistency ?? asked ?? 'linearizable',
    };
  });
}

/** What a member answered to a question for a lease. */
export function leaseOutcome(message: Uint8Array): Outcome<LeaseStatus | null> {
  return outcomeOf(message, 'read', (response) => {
    if (response.type !== 'read') return undefined;
    const { lease, revision } = response;
    if (lease === undefined) return null;
    return { ...lease, keys: lease.keys.map((key) => Uint8Array.from(key)), revision };
  });
}

/** What a member answered to a scan. */
export function scanOutcome(
  message: Uint8Array,
  asked: Consistency | undefined,
): Outcome<ScanResult> {
  const response = decode(message, decodeScanResponse);
  if (response instanceof DEngineError) return unreadable(response);
  const { revision, firstRevision, nextCursor } = response;
  const value = {
    entries: response.entries.map(copyOf),
    revision,
    firstRevision: firstRevision === 0 ? revision : firstRevision,
    consistency: response.consistency ?? asked ?? 'linearizable',
    nextCursor: nextCursor === '' ? null : nextCursor,
  };
  return { ok: true, value };
}

function outcomeOf<T>(
  message: Uint8Array,
  operation: Operation,
  pick: (response: ClientResponse) => T | undefined,
): Outcome<T> {
  const response = decode(message, decodeClientResponse);
  if (response instanceof DEngineError) return unreadable(response);
  if (response.type === 'error') {
    return { ok: false, failure: failureOfResponse(response, operation) };
  }
  const value = pick(response);
  if (value !== undefined) return { ok: true, value };
  const text = `the member answered a ${operation} with a response of type ${response.type}`;
  return unreadable(new DEngineError('InvalidResponse', text));
}

/** The decoded message, or the error that it is none. */
export function decode<T>(
  message: Uint8Array,
  decoder: (bytes: Uint8Array) => T,
): T | DEngineError {
  try {
    return decoder(message);
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
    const text = `the member's answer cannot be read: ${error.message}`;
    return new DEngineError('InvalidResponse', text, { cause: error });
  }
}

/** An answer came, so that a write was most likely done, but nobody can tell what it says. */
export function unreadable(error: DEngineError): { ok: false; failure: AttemptFailure } {
  return { ok: false, failure: { error, source: 'server', refused: false } };
}

/** Absent keys are left out of the answer: finds the place of each one that is there. */
function align(keys: readonly Uint8Array[], found: readonly FoundKey[]): (KeyValue | null)[] {
  const byKey = new Map(found.map((entry) => [keyName(entry.key), entry]));
  return keys.map((key) => {
    const entry = byKey.get(keyName(key));
    return entry === undefined ? null : copyOf(entry);
  });
}

function keyName(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}

/** Views would keep the whole response, and what it was cut from, in the caller's memory. */
export function copyOf(entry: FoundKey): KeyValue {
  const key = Uint8Array.from(entry.key);
  const value = Uint8Array.from(entry.value);
  return { ...entry, key, value };
}
