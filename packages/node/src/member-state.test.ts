import { silentLogger } from '@d-engine/base';
import type { RecoveredState } from '@d-engine/raft';
import type { StateMachine, Storage } from '@d-engine/storage';
import { describe, expect, it } from 'vitest';
import { openMemberState } from './member-state.ts';

/** A log of entries 11 to 20, of terms 2 and from 15 on 3, behind a snapshot of entry 10. */
const log = {
  firstIndex: 11,
  precedingTerm: 2,
  lastIndex: 20,
  termStarts: [{ index: 15, term: 3 }],
  commitIndex: 12,
  recovering: false,
} as unknown as RecoveredState;

function storageOf(
  changes: Partial<RecoveredState> = {},
  divergedAt: number | null = null,
): Storage {
  const identity = { instanceId: 'ab'.repeat(16), divergedAt };
  return { recovered: { ...log, ...changes }, identity } as unknown as Storage;
}

/** A state on disk as of one entry, and what is done to it. */
function stateAt(appliedIndex: number, appliedTerm: number): StateMachine & { calls: string[] } {
  const calls: string[] = [];
  const state = {
    appliedIndex,
    appliedTerm,
    calls,
    clear: () => {
      calls.push('clear');
      Object.assign(state, { appliedIndex: 0, appliedTerm: 0 });
      return Promise.resolve();
    },
    close: () => {
      calls.push('close');
      return Promise.resolve();
    },
  };
  return state as unknown as StateMachine & { calls: string[] };
}

function open(state: StateMachine, storage: Storage = storageOf()) {
  return openMemberState({
    openStateMachine: ({ owner, directory }) => {
      expect([owner, directory]).toEqual(['ab'.repeat(16), '/data/state']);
      return Promise.resolve(state);
    },
    storage,
    dataDirectory: '/data',
    logger: silentLogger,
    onDurable: () => undefined,
    onFailure: () => undefined,
  });
}

describe('a state on disk at a start (rule 10)', () => {
  it.each([
    [0, 0, 12],
    [8, 1, 12],
    [10, 2, 12],
    [14, 2, 14],
    [15, 3, 15],
    [20, 3, 20],
  ])('as of entry %i of term %i goes on, and is committed', async (index, term, commitIndex) => {
    const state = stateAt(index, term);
    const { stateMachine, recovered } = await open(state);
    expect(stateMachine).toBe(state);
    expect(recovered.commitIndex).toBe(commitIndex);
    expect(state.calls).toEqual([]);
  });

  it.each([
    [21, 3, 'the log ends at 20, and no snapshot goes further'],
    [15, 2, 'the log has an entry of term 3 there'],
    [14, 3, 'the log has an entry of term 2 there'],
    [10, 1, 'the log has an entry of term 2 there'],
  ])('as of entry %i of term %i is refused: %s', async (index, term, reason) => {
    const state = stateAt(index, term);
    await expect(open(state)).rejects.toThrow(reason);
    expect(state.calls).toEqual(['close']);
  });

  it('is given up when the last run may have lost what was committed in memory alone', async () => {
    const isAhead = stateAt(14, 2);
    const { recovered } = await open(isAhead, storageOf({ recovering: true }));
    expect(isAhead.calls).toEqual(['clear']);
    expect(recovered.commitIndex).toBe(12);
    const isRecorded = stateAt(12, 2);
    await open(isRecorded, storageOf({ recovering: true }));
    expect(isRecorded.calls).toEqual([]);
  });

  it('is given up when a quorum had another', async () => {
    const state = stateAt(14, 2);
    await open(state, storageOf({}, 9));
    expect(state.calls).toEqual(['clear']);
  });
});
