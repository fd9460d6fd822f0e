import type {
  Comparison,
  ComparisonOperator,
  KeyValue,
  LeaseId,
  Revision,
  Transaction,
  TransactionOperation,
  TransactionResponse,
} from '@d-engine/base';
import { limits } from '@d-engine/base';
import type { CommandResult, RefusalName } from '../command-result.ts';
import { keyNameOf } from './key-name.ts';
import type { KeySpace } from './key-space.ts';
import { answerEntryOverheadBytes } from './key-space.ts';
import type { LeaseTable } from './lease-table.ts';
import { compareBytes } from './slot-tree.ts';

type Steps = readonly TransactionOperation<Uint8Array>[];

/** Why something is not done, before any of it is. */
export interface Problem {
  readonly error: RefusalName;
  readonly message: string;
}

/** The state that a transaction works on, and when. */
export interface TransactionPlace {
  readonly keys: KeySpace;
  readonly leases: LeaseTable;
  readonly revision: Revision;
  readonly nowMs: number;
}

/** Carries out a transaction as one: all steps of a list, or none and a refusal. */
export function runTransaction(
  transaction: Transaction<Uint8Array>,
  place: TransactionPlace,
): CommandResult {
  const { revision } = place;
  const succeeded = transaction.compare.every((comparison) => holds(comparison, place));
  const steps = succeeded ? transaction.success : transaction.failure;
  const problem = problemOf(steps, place);
  if (problem !== undefined) return { type: 'refused', revision, ...problem };
  const responses = steps.map((step) => runStep(step, place));
  return { type: 'transaction', revision, succeeded, responses };
}

function holds(comparison: Comparison<Uint8Array>, { keys, nowMs }: TransactionPlace): boolean {
  if (comparison.target === 'existence') {
    return (keys.valueLength(comparison.key) !== undefined) === comparison.exists;
  }
  if (comparison.target === 'value') {
    const value = keys.copyValue(comparison.key);
    // An absent key has no value that anything could be said of.
    if (value === null) return false;
    return isSo(compareBytes(value, comparison.value), comparison.operator);
  }
  const entry: KeyValue | null = keys.read(comparison.key, nowMs);
  const number = entry === null ? 0 : entry[comparison.target];
  return isSo(number - comparison.value, comparison.operator);
}

function isSo(difference: number, operator: ComparisonOperator): boolean {
  switch (operator) {
    case 'equal':
      return difference === 0;
    case 'notEqual':
      return difference !== 0;
    case 'less':
      return difference < 0;
    case 'greater':
      return difference > 0;
  }
}

/** Everything that could stop a step is found here: afterwards nothing can. */
function problemOf(steps: Steps, place: TransactionPlace): Problem | undefined {
  const written = new Map<string, number>();
  const hung = new Map<LeaseId, number>();
  let answerBytes = 0;
  for (const step of steps) {
    const name = keyNameOf(step.key);
    if (step.type === 'get') {
      const length = written.get(name) ?? place.keys.valueLength(step.key) ?? 0;
      answerBytes += step.key.length + length + answerEntryOverheadBytes;
      continue;
    }
    if (written.has(name)) {
      const message = 'a list of a transaction writes a key twice; nothing was written';
      return { error: 'InvalidRequest', message };
    }
    written.set(name, step.type === 'put' ? step.value.length : 0);
    if (step.type === 'delete') continue;
    const { ttlMs = 0, lease } = step;
    if (ttlMs > limits.ttlMsMax) return { error: 'InvalidRequest', message: tooLong(ttlMs) };
    if (lease === undefined) continue;
    const count = (hung.get(lease) ?? 0) + 1;
    hung.set(lease, count);
    const problem = leaseProblem(place.leases, lease, count);
    if (problem !== undefined) return problem;
  }
  if (answerBytes <= limits.transactionAnswerBytesMax) return undefined;
  const message =
    `the transaction reads ${answerBytes} bytes, over the limit of ` +
    `${limits.transactionAnswerBytesMax}; nothing was written: read less in it`;
  return { error: 'InvalidRequest', message };
}

/** Why so many more keys cannot hang on the lease. */
export function leaseProblem(
  leases: LeaseTable,
  lease: LeaseId,
  newKeys: number,
): Problem | undefined {
  if (!leases.has(lease)) {
    const message = `lease ${lease} is over, or never was; nothing was written: grant a new one`;
    return { error: 'LeaseNotFound', message };
  }
  if (leases.keyCount(lease) + newKeys <= limits.leaseKeysMax) return undefined;
  const message =
    `lease ${lease} would hold more than ${limits.leaseKeysMax} keys; nothing was written: ` +
    'grant another one';
  return { error: 'InvalidRequest', message };
}

export function tooLong(ttlMs: number): string {
  return `a TTL of ${ttlMs} ms is over the limit of ${limits.ttlMsMax} ms`;
}

function runStep(
  step: TransactionOperation<Uint8Array>,
  { keys, revision, nowMs }: TransactionPlace,
): TransactionResponse {
  switch (step.type) {
    case 'put': {
      const { ttlMs = 0, lease = 0 } = step;
      const expiresAt = ttlMs === 0 ? 0 : nowMs + ttlMs;
      keys.put(step.key, step.value, { revision, expiresAt, lease });
      return { type: 'put' };
    }
    case 'delete':
      return { type: 'delete', deleted: keys.delete(step.key, revision) };
    case 'get':
      // The key of the step is a view of the entry, which the answer must not keep.
      return { type: 'get', entry: keys.read(Buffer.from(step.key), nowMs) };
  }
}
