import { join } from 'node:path';
import type { Disk, DiskFile, InstanceId, Logger } from '@d-engine/base';
import { assert, must } from '@d-engine/base';
import type { HardState } from '@d-engine/raft';
import { asError } from './as-error.ts';
import type { HardStateStore } from './contracts.ts';
import type { HardStateSlot } from './hard-state-slot.ts';
import { decodeHardStateSlot, encodeHardStateSlot, hardStateSlotBytes } from './hard-state-slot.ts';
import { replaceFile } from './replace-file.ts';
import { StorageDamage, UnsupportedFormat } from './storage-errors.ts';

export const hardStateFileName = 'hard-state';

/** The copies stand this far apart, so that no torn sector or page holds both. */
const slotSpacing = 4096;
const fileBytes = 2 * slotSpacing;

const initialState: HardState = { term: 0, votedFor: null, stickinessMs: 0 };

export interface HardStateFileOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** The instance id of the data directory: a file copied from another one is refused. */
  readonly owner: InstanceId;
  readonly logger: Logger;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (cause: Error) => void;
}

/**
 * Two copies in one file, never written at the same time: the second follows once the first is
 * synced, and a state counts once both are. So a crash tears at most one copy, and a copy that goes
 * bad later does not bring back an older vote.
 */
export class HardStateFile implements HardStateStore {
  readonly #file: DiskFile;
  readonly #owner: InstanceId;
  /** The newest state asked for. */
  #wanted: HardState;
  /** Invariant: both copies hold this sequence or, while a write runs, one less. */
  #sequence: number;
  #waiting: Waiter[] = [];
  #isRunning = false;
  #run: Promise<void> = Promise.resolve();
  /** The first failure. Invariant: nothing is written once it is set. */
  #failure: Error | undefined;
  #closed = false;

  private constructor(file: DiskFile, owner: InstanceId, slot: HardStateSlot) {
    this.#file = file;
    this.#owner = owner;
    this.#wanted = slot.state;
    this.#sequence = slot.sequence;
  }

  static exists(disk: Disk, directory: string): Promise<boolean> {
    return disk.exists(join(directory, hardStateFileName));
  }

  static async create(options: HardStateFileOptions): Promise<void> {
    const slot = encodeHardStateSlot({ sequence: 1, owner: options.owner, state: initialState });
    const content = Buffer.alloc(fileBytes);
    content.set(slot, 0);
    content.set(slot, slotSpacing);
    await replaceFile(options.disk, join(options.directory, hardStateFileName), content);
  }

  /** Rejects with `StorageDamage` or `UnsupportedFormat`: a vote is never silently forgotten. */
  static async open(
    options: HardStateFileOptions,
  ): Promise<{ store: HardStateFile; recovered: HardState | undefined }> {
    const path = join(options.directory, hardStateFileName);
    const file = await options.disk.open(path, 'readWrite');
    try {
      const newest = await repairedSlot(file, path, options);
      const store = new HardStateFile(file, options.owner, newest);
      return { store, recovered: newest.sequence === 1 ? undefined : newest.state };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  write(state: HardState): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    assert(!this.#closed, 'a hard state after close');
    assertMovesOn(this.#wanted, state);
    this.#wanted = state;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (!this.#isRunning) this.#run = this.#writeWaiting();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    while (this.#isRunning) await this.#run;
    await this.#file.close();
  }

  /** Never rejects. States that came in while one was written share the next write. */
  async #writeWaiting(): Promise<void> {
    this.#isRunning = true;
    let waiters: Waiter[] = [];
    try {
      while (this.#waiting.length > 0) {
        waiters = this.#waiting;
        this.#waiting = [];
        this.#sequence += 1;
        const slot = { sequence: this.#sequence, owner: this.#owner, state: this.#wanted };
        const bytes = encodeHardStateSlot(slot);
        await this.#file.writeAndSync(0, [bytes]);
        // Only then the answer: a sync that fails has to reach somebody, who stops the node.
        await this.#file.writeAndSync(slotSpacing, [bytes]);
        for (const waiter of waiters) waiter.resolve();
        waiters = [];
      }
    } catch (thrown) {
      const cause = asError(thrown);
      this.#failure = cause;
      for (const waiter of [...waiters, ...this.#waiting]) waiter.reject(cause);
      this.#waiting = [];
    } finally {
      this.#isRunning = false;
    }
  }
}

/** Reads both copies and makes them equal and durable again, older one first. */
async function repairedSlot(
  file: DiskFile,
  path: string,
  options: HardStateFileOptions,
): Promise<HardStateSlot> {
  const slots = [
    readSlot(await file.read(0, hardStateSlotBytes), path, 0, options.owner),
    readSlot(await file.read(slotSpacing, hardStateSlotBytes), path, slotSpacing, options.owner),
  ] as const;
  const [first, second] = slots;
  if (first === undefined && second === undefined) {
    throw new StorageDamage({ file: path, offset: 0, reason: 'both copies of the vote are gone' });
  }
  if (first === undefined || second === undefined) {
    const offset = first === undefined ? 0 : slotSpacing;
    options.logger.warn('Hard state: one copy is damaged, using the other', { offset });
  }
  const newest = must(
    (first?.sequence ?? 0) >= (second?.sequence ?? 0) ? first : second,
    'the newest hard state',
  );
  // What was read may stand only in the system's memory (a failed sync of an earlier run), so both
  // copies are written again: the one that is not the newest first, the newest never torn alone.
  const bytes = encodeHardStateSlot(newest);
  const offsets = newest === first ? [slotSpacing, 0] : [0, slotSpacing];
  for (const offset of offsets) await file.writeAndSync(offset, [bytes]);
  return newest;
}

/** Undefined when damaged. */
function readSlot(
  bytes: Uint8Array,
  path: string,
  offset: number,
  owner: InstanceId,
): HardStateSlot | undefined {
  const content = decodeHardStateSlot(bytes);
  if (content.type === 'unsupported') throw new UnsupportedFormat(path, content.version);
  if (content.type === 'damaged') return undefined;
  if (content.slot.owner !== owner) {
    const reason = `it was written by another data directory (${content.slot.owner})`;
    throw new StorageDamage({ file: path, offset, reason });
  }
  return content.slot;
}

/** Pair assertion of raft's own: one vote a term, for ever. */
function assertMovesOn(old: HardState, next: HardState): void {
  assert(next.term >= old.term, () => `term goes back from ${old.term} to ${next.term}`);
  assert(next.stickinessMs >= old.stickinessMs, 'stickiness shrinks');
  if (next.term > old.term || old.votedFor === null) return;
  assert(
    next.votedFor?.nodeId === old.votedFor.nodeId &&
      next.votedFor.instanceId === old.votedFor.instanceId,
    () => `a second vote in term ${next.term}`,
  );
}
