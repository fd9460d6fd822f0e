import type { Consistency, KeyLifetime, Transaction, WriteCommand } from '@d-engine/base';
import { DEngineError, decodeWriteCommand, limits, MalformedMessage } from '@d-engine/base';
import type { NodeSettings } from './settings.ts';

/** What a request must fulfil before it costs anything; the same on every road in. */
export class OperationChecks {
  readonly #settings: NodeSettings;

  constructor(settings: NodeSettings) {
    this.#settings = settings;
  }

  /** Undefined when the encoded command may be proposed. */
  writeBytes(command: Uint8Array): DEngineError | undefined {
    const tooLarge = this.writeSize(command);
    if (tooLarge !== undefined) return tooLarge;
    try {
      return this.write(decodeWriteCommand(command));
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      return new DEngineError('InvalidRequest', `the write is unreadable: ${error.message}`);
    }
  }

  /**
   * Each field may be within its limit and all of them together over that of an entry: a key, an
   * expected value and a new one, or fields that nobody knows.
   */
  writeSize(command: Uint8Array): DEngineError | undefined {
    const max = this.#settings.requestBytesMax;
    if (command.length <= max) return undefined;
    const message = `a write of ${command.length} bytes in all is over the limit of ${max}`;
    return new DEngineError('RequestTooLarge', message);
  }

  write(command: WriteCommand): DEngineError | undefined {
    switch (command.type) {
      case 'put':
        return this.#put(command);
      case 'delete':
        return this.key(command.key);
      case 'compareAndSwap':
        return (
          this.#put({ ...command, value: command.value ?? noBytes }) ??
          this.#value(command.expected ?? noBytes)
        );
      case 'transaction':
        return this.#transaction(command);
      case 'grantLease':
        return this.#ttl(command.ttlMs, limits.leaseTtlMsMin, limits.ttlMsMax);
      case 'openSession':
        return this.#ttl(command.ttlMs, 1, limits.sessionTtlMsMax);
      case 'keepLeaseAlive':
      case 'revokeLease':
      case 'keepSessionAlive':
      case 'closeSession':
        return undefined;
    }
  }

  #transaction({ compare, success, failure }: Transaction<Uint8Array>): DEngineError | undefined {
    for (const list of [compare, success, failure]) {
      const max = limits.transactionStepsMax;
      if (list.length > max) {
        const message = `a list of a transaction with more than ${max} steps`;
        return new DEngineError('RequestTooLarge', message);
      }
    }
    for (const comparison of compare) {
      const problem =
        this.key(comparison.key) ??
        (comparison.target === 'value' ? this.#value(comparison.value) : undefined);
      if (problem !== undefined) return problem;
    }
    for (const step of [...success, ...failure]) {
      const problem = step.type === 'put' ? this.#put(step) : this.key(step.key);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  #put(put: { key: Uint8Array; value: Uint8Array } & KeyLifetime): DEngineError | undefined {
    return (
      this.key(put.key) ?? this.#value(put.value) ?? this.#ttl(put.ttlMs ?? 0, 0, limits.ttlMsMax)
    );
  }

  #value(value: Uint8Array): DEngineError | undefined {
    const max = this.#settings.valueBytesMax;
    if (value.length <= max) return undefined;
    const message = `a value of ${value.length} bytes is over the limit of ${max}`;
    return new DEngineError('RequestTooLarge', message);
  }

  #ttl(ttlMs: number, min: number, max: number): DEngineError | undefined {
    if (ttlMs >= min && ttlMs <= max) return undefined;
    const message = `a TTL of ${ttlMs} ms: it must be from ${min} to ${max}`;
    return new DEngineError('InvalidRequest', message);
  }

  /** Of one page. */
  scanLimit(limit: number): DEngineError | undefined {
    if (Number.isSafeInteger(limit) && limit >= 1 && limit <= limits.scanEntriesMax)
      return undefined;
    const message = `the limit of a scan is from 1 to ${limits.scanEntriesMax}, not ${limit}`;
    return new DEngineError('InvalidRequest', message);
  }

  read(keys: readonly Uint8Array[]): DEngineError | undefined {
    if (keys.length > limits.readKeysMax) {
      const message = `${keys.length} keys in one read are over the limit of ${limits.readKeysMax}`;
      return new DEngineError('RequestTooLarge', message);
    }
    for (const key of keys) {
      const problem = this.key(key);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  key(key: Uint8Array): DEngineError | undefined {
    const max = this.#settings.keyBytesMax;
    if (key.length <= max) return undefined;
    const message = `a key of ${key.length} bytes is over the limit of ${max}`;
    return new DEngineError('RequestTooLarge', message);
  }

  /** The consistency to read with; an error where the caller may not choose it. */
  consistency(wanted: Consistency | undefined): Consistency | DEngineError {
    const own = this.#settings.defaultConsistency;
    if (wanted === undefined || wanted === own) return own;
    if (this.#settings.allowConsistencyOverride) return wanted;
    return new DEngineError(
      'InvalidRequest',
      `this cluster reads with ${own} and allows no other consistency (allow_client_override)`,
    );
  }

  /** The time that this request may wait here. */
  deadlineMs(wanted: number | undefined): number {
    return Math.min(wanted ?? Number.POSITIVE_INFINITY, this.#settings.serverDeadlineMs);
  }
}

const noBytes: Uint8Array = new Uint8Array(0);
