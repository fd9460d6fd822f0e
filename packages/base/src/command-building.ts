import type { BytesLike } from './bytes-like.ts';
import { DEngineError } from './errors.ts';
import { limits } from './limits.ts';
import type { KeyRange } from './scans.ts';
import type { Comparison, KeyLifetime, Transaction, TransactionOperation } from './transactions.ts';
import { comparedNumbers, comparisonOperators } from './transactions.ts';
import type { OpenSessionCommand, TransactionCommand } from './write-command.ts';

// What callers hand in, made into commands: the same embedded and over the network. Callers may
// write plain JavaScript, so what types promise is checked. All of it throws InvalidRequest.

/** How text and bytes of a caller become bytes of our own. */
export interface ByteRules {
  key(value: BytesLike): Uint8Array;
  value(value: BytesLike): Uint8Array;
}

/** A session for one write must outlive every retry of it. */
const idempotencyTtlMs = 600_000;
const idempotencyPrefix = 'idempotency:';
export const idempotencyKeyBytesMax: number = limits.sessionNameBytesMax - idempotencyPrefix.length;

export function lifetimeOf({ ttlMs = 0, lease }: KeyLifetime): KeyLifetime & { ttlMs: number } {
  checkedTtl(ttlMs);
  return { ttlMs, lease: lease === undefined ? undefined : checkedId(lease, 'lease') };
}

export function checkedTtl(ttlMs: number): number {
  if (Number.isSafeInteger(ttlMs) && ttlMs >= 0 && ttlMs <= limits.ttlMsMax) return ttlMs;
  const text = `a TTL is a whole number of milliseconds from 0 to ${limits.ttlMsMax}, not ${ttlMs}`;
  throw new DEngineError('InvalidRequest', text);
}

/** The id of a lease or a session. */
export function checkedId(id: number, what: string): number {
  if (Number.isSafeInteger(id) && id >= 1) return id;
  throw new DEngineError('InvalidRequest', `${what} ${id} is none that was ever granted`);
}

/** The session that a write with this idempotency key rides on: its first and only write. */
export function idempotencySession(key: string): OpenSessionCommand {
  const bytes = Buffer.byteLength(key);
  if (bytes >= 1 && bytes <= idempotencyKeyBytesMax) {
    return { type: 'openSession', ttlMs: idempotencyTtlMs, name: `${idempotencyPrefix}${key}` };
  }
  const text = `an idempotency key has 1 to ${idempotencyKeyBytesMax} bytes, not ${bytes}`;
  throw new DEngineError('InvalidRequest', text);
}

export function rangeBytes(range: KeyRange, rules: ByteRules): KeyRange<Uint8Array> {
  if ('prefix' in range) return { prefix: rules.key(range.prefix) };
  const { start, end } = range;
  return {
    start: start === undefined ? undefined : rules.key(start),
    end: end === undefined ? undefined : rules.key(end),
  };
}

export function transactionCommand(transaction: Transaction, rules: ByteRules): TransactionCommand {
  const { compare, success, failure } = transaction;
  for (const list of [compare, success, failure]) {
    if (!Array.isArray(list)) throw invalid('compare, success and failure must be lists');
    if (list.length > limits.transactionStepsMax) {
      const text = `a list of a transaction has at most ${limits.transactionStepsMax} steps`;
      throw new DEngineError('RequestTooLarge', text);
    }
  }
  return {
    type: 'transaction',
    compare: compare.map((each) => comparisonBytes(each, rules)),
    success: success.map((each) => stepBytes(each, rules)),
    failure: failure.map((each) => stepBytes(each, rules)),
  };
}

function comparisonBytes(comparison: Comparison, rules: ByteRules): Comparison<Uint8Array> {
  const { target } = comparison;
  const key = rules.key(comparison.key);
  if (target === 'existence') return { target, key, exists: comparison.exists };
  const { operator } = comparison;
  if (!comparisonOperators.includes(operator)) {
    throw invalid(`a comparison's operator is one of ${comparisonOperators.join(', ')}`);
  }
  if (target === 'value') return { target, key, operator, value: rules.value(comparison.value) };
  if (!comparedNumbers.includes(target)) {
    const known = ['value', 'existence', ...comparedNumbers].join(', ');
    throw invalid(`a comparison's target is one of ${known}`);
  }
  const { value } = comparison;
  if (!Number.isSafeInteger(value) || value < 0) {
    throw invalid(`${target} is compared with a whole number, not ${value}`);
  }
  return { target, key, operator, value };
}

function stepBytes(step: TransactionOperation, rules: ByteRules): TransactionOperation<Uint8Array> {
  const key = rules.key(step.key);
  switch (step.type) {
    case 'put':
      return { type: 'put', key, value: rules.value(step.value), ...lifetimeOf(step) };
    case 'delete':
    case 'get':
      return { type: step.type, key };
    default:
      throw invalid('a step of a transaction is a put, a delete or a get');
  }
}

function invalid(text: string): DEngineError {
  return new DEngineError('InvalidRequest', text);
}

/** The error of a step before the write itself, which was not sent then, whatever became of it. */
export function asNeverApplied(error: unknown): unknown {
  if (!(error instanceof DEngineError) || !error.mayHaveBeenApplied) return error;
  const text = `nothing was written: ${error.message}`;
  return new DEngineError('ClusterUnavailable', text, { cause: error });
}
