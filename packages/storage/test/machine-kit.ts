import type { KeyLifetime, SessionStamp, WriteCommand } from '@d-engine/base';
import { encodeEntries, encodeWriteCommand, entryKinds } from '@d-engine/base';
import type { CommandResult } from '../src/command-result.ts';
import type { StateEvent } from '../src/contracts.ts';
import { KeyValueStateMachine } from '../src/key-value-state-machine.ts';
import type { SnapshotSection } from '../src/snapshot-format.ts';

export const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

export const put = (key: string, value: string, lifetime: KeyLifetime = {}): WriteCommand => {
  const { ttlMs = 0, lease } = lifetime;
  return { type: 'put', key: bytes(key), value: bytes(value), ttlMs, lease };
};
export const remove = (key: string): WriteCommand => ({ type: 'delete', key: bytes(key) });
export const swap = (
  key: string,
  expected: string | null,
  value: string | null,
  { ttlMs = 0, lease }: KeyLifetime = {},
): WriteCommand => ({
  type: 'compareAndSwap',
  key: bytes(key),
  expected: expected === null ? null : bytes(expected),
  value: value === null ? null : bytes(value),
  ttlMs,
  lease,
});

/** A state machine with a clock: each command is an entry of its own, applied at once. */
export class Machine {
  state: KeyValueStateMachine = newState();
  nowMs = 0;
  events: StateEvent[] = [];

  run(command: WriteCommand, session?: SessionStamp): CommandResult {
    const payload = encodeWriteCommand(command);
    const result = this.#apply({ kind: entryKinds.command, payload, session });
    if (result === undefined) throw new Error('a command without a result');
    return result;
  }

  /** Time passes, and a time entry says so. */
  pass(ms: number): void {
    this.nowMs += ms;
    this.#apply({ kind: entryKinds.time, payload: new Uint8Array(0) });
  }

  #apply(proposal: Parameters<typeof encodeEntries>[0][number]): CommandResult | undefined {
    const index = this.state.appliedIndex + 1;
    const applied = this.state.apply(encodeEntries([proposal], index, 1, this.nowMs));
    this.events.push(...applied.events);
    return applied.results[0];
  }

  textOf(key: string): string | null {
    const [found] = this.state.get([bytes(key)]);
    return found ? Buffer.from(found.value).toString('latin1') : null;
  }

  keys(): string[] {
    const query = { range: { prefix: bytes('') }, order: 'ascending', limit: 1_000 } as const;
    const { entries } = this.state.scan({ ...query, after: undefined });
    return entries.map(({ key }) => Buffer.from(key).toString('latin1'));
  }

  /** `type key@revision` of all events since the last call. */
  takeEvents(): string[] {
    const lines = this.events.map(({ type, key, revision }) => {
      return `${type} ${Buffer.from(key).toString('latin1')}@${revision}`;
    });
    this.events = [];
    return lines;
  }

  /** Goes on as a machine that loaded a snapshot of this one. */
  async reload(): Promise<void> {
    const sections = sectionsOf(this.state);
    const loaded = newState();
    await loaded.load(headerAt(this.state.appliedIndex), sections);
    this.state = loaded;
  }
}

export function sectionsOf(state: KeyValueStateMachine): SnapshotSection[] {
  const view = state.view();
  const sections = [...(view.sections() as Iterable<SnapshotSection>)];
  view.release();
  return sections;
}

export function headerAt(index: number): Parameters<KeyValueStateMachine['load']>[0] {
  return { clusterId: 'c'.repeat(32), formedAtWallMs: 0, index, term: 1 };
}

export function newState(): KeyValueStateMachine {
  return new KeyValueStateMachine({ readHistoryId: () => 'h'.repeat(32), collectEvents: true });
}
