import type { Consistency, WriteCommand } from '@d-engine/base';
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
    if (command.type !== 'put' && command.type !== 'delete' && command.type !== 'compareAndSwap') {
      return new DEngineError('Unsupported', `${command.type} is not in this version yet`);
    }
    const key = this.key(command.key);
    if (key !== undefined) return key;
    if (command.type === 'delete') return undefined;
    if (command.ttlMs > 0) {
      const message = 'TTLs are not in this version: leave ttl out, and delete the key yourself';
      return new DEngineError('Unsupported', message);
    }
    const value = command.value?.length ?? 0;
    const expected = command.type === 'compareAndSwap' ? (command.expected?.length ?? 0) : 0;
    const max = this.#settings.valueBytesMax;
    if (Math.max(value, expected) <= max) return undefined;
    return new DEngineError(
      'RequestTooLarge',
      `a value of ${Math.max(value, expected)} bytes is over the limit of ${max}`,
    );
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
