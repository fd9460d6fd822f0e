import { DEngineError, decodeWriteCommand, MalformedMessage } from '@d-engine/base';
import type { StateMachine } from '@d-engine/storage';
import { stateGrowthMax } from '@d-engine/storage';

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
    if (write === undefined || !('value' in write) || write.value === null) return false;
    const [found] = this.#state.get([write.key]);
    const growthBytes =
      found === null || found === undefined
        ? stateGrowthMax(command)
        : write.value.length - found.value.length;
    return growthBytes > 0 && growthBytes > freeBytes;
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
