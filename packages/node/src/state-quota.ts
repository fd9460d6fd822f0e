import type { KeyLifetime, TransactionOperation, WriteCommand } from '@d-engine/base';
import { DEngineError, decodeWriteCommand, MalformedMessage } from '@d-engine/base';
import type { StateMachine } from '@d-engine/storage';
import { keyOverheadBytes, lifetimeCost, stateGrowthMax } from '@d-engine/storage';

/**
 * `max_state_bytes`: refuses a write before it is proposed when the state could come to hold more.
 * What is proposed and not yet applied is reserved, as if each write made a new key. Whatever
 * cannot make the state larger passes always, or a full state could never be emptied.
 */
export class StateQuota {
  readonly #state: Pick<StateMachine, 'stateBytes' | 'get'>;
  readonly #bytesMax: number;
  readonly #onRefused: () => void;
  #reservedBytes = 0;

  constructor(options: {
    state: Pick<StateMachine, 'stateBytes' | 'get'>;
    bytesMax: number;
    onRefused: () => void;
  }) {
    this.#state = options.state;
    this.#bytesMax = options.bytesMax;
    this.#onRefused = options.onRefused;
  }

  /** Reserves what the write may need, or says why it may not be proposed. */
  reserve(command: Uint8Array): DEngineError | undefined {
    const freeBytes = this.#bytesMax - this.#state.stateBytes - this.#reservedBytes;
    const boundBytes = stateGrowthMax(command);
    // A look at the command costs more than nearly every write needs.
    if (boundBytes > freeBytes && this.#grows(command, freeBytes)) {
      this.#onRefused();
      return stateFull(this.#state.stateBytes, this.#bytesMax);
    }
    this.#reservedBytes += boundBytes;
    return undefined;
  }

  /** The write is applied, or will not be; or nobody waits for it any more. */
  release(command: Uint8Array): void {
    this.#reservedBytes -= stateGrowthMax(command);
  }

  /** Whether it may make the state larger, and by more than there is room for. */
  #grows(command: Uint8Array, freeBytes: number): boolean {
    const write = readable(command);
    if (write === undefined) return false;
    const growthBytes = this.#growthOf(write, command);
    return growthBytes > 0 && growthBytes > freeBytes;
  }

  #growthOf(write: WriteCommand, command: Uint8Array): number {
    switch (write.type) {
      case 'put':
        return this.#growthOfPut(write);
      case 'compareAndSwap':
        return write.value === null ? 0 : this.#growthOfPut({ ...write, value: write.value });
      case 'transaction':
        return Math.max(this.#growthOfSteps(write.success), this.#growthOfSteps(write.failure));
      case 'grantLease':
      case 'openSession':
        return stateGrowthMax(command);
      case 'delete':
      case 'keepLeaseAlive':
      case 'revokeLease':
      case 'keepSessionAlive':
      case 'closeSession':
        return 0;
    }
  }

  #growthOfSteps(steps: readonly TransactionOperation<Uint8Array>[]): number {
    let growthBytes = 0;
    for (const step of steps) if (step.type === 'put') growthBytes += this.#growthOfPut(step);
    return growthBytes;
  }

  #growthOfPut(
    put: { readonly key: Uint8Array; readonly value: Uint8Array } & KeyLifetime,
  ): number {
    const { key, value, ttlMs = 0, lease } = put;
    const after = value.length + lifetimeCost(ttlMs !== 0, lease !== undefined);
    const found = this.#state.get([key])[0] ?? null;
    if (found === null) return key.length + keyOverheadBytes + after;
    const expires = found.ttlLeftMs !== undefined;
    return after - found.value.length - lifetimeCost(expires, found.lease !== undefined);
  }
}

/** Undefined: bytes that are no command change nothing when they are applied. */
function readable(command: Uint8Array): ReturnType<typeof decodeWriteCommand> | undefined {
  try {
    return decodeWriteCommand(command);
  } catch (error) {
    if (error instanceof MalformedMessage) return undefined;
    throw error;
  }
}

function stateFull(stateBytes: number, bytesMax: number): DEngineError {
  const message =
    `the state holds ${stateBytes} bytes of at most ${bytesMax} (limits.max_state_bytes), and ` +
    'this write could exceed that; nothing was written: delete keys, or raise the limit on every ' +
    'member';
  return new DEngineError('StateFull', message);
}
