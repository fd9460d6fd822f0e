import type { WriteCommand } from '@d-engine/base';
import { encodeEntries, encodeWriteCommand, entryKinds } from '@d-engine/base';
import { KeyValueStateMachine } from '@d-engine/storage';
import { expect, test } from 'vitest';
import { StateQuota } from './state-quota.ts';

const bytesMax = 10_000;

function put(key: string, valueBytes: number): WriteCommand {
  return { type: 'put', key: Buffer.from(key), value: Buffer.alloc(valueBytes, 1), ttlMs: 0 };
}

function swap(key: string, valueBytes: number | undefined): WriteCommand {
  const value = valueBytes === undefined ? null : Buffer.alloc(valueBytes);
  const type = 'compareAndSwap';
  return { type, key: Buffer.from(key), expected: null, value, ttlMs: 0 };
}

function setUp() {
  const state = new KeyValueStateMachine({ readHistoryId: () => 'ab'.repeat(16) });
  const refused = { count: 0 };
  const onRefused = (): void => {
    refused.count += 1;
  };
  const quota = new StateQuota({ state, bytesMax, onRefused });
  const reserve = (command: WriteCommand): string =>
    quota.reserve(encodeWriteCommand(command))?.name ?? 'taken';
  /** Proposed and applied. */
  const write = (command: WriteCommand): string => {
    const outcome = reserve(command);
    if (outcome !== 'taken') return outcome;
    const payload = encodeWriteCommand(command);
    const proposal = { kind: entryKinds.command, payload };
    state.apply(encodeEntries([proposal], state.appliedIndex + 1, 1, 0));
    quota.release(payload);
    return outcome;
  };
  return { state, quota, reserve, write, refused };
}

/** Writes until one is refused. */
function fill({ write, state }: ReturnType<typeof setUp>): void {
  for (let number = 0; write(put(`key-${number}`, 700)) === 'taken'; number++) {
    if (number > 100) throw new Error('nothing is refused');
  }
  expect(state.stateBytes).toBeGreaterThan(bytesMax - 1_100);
}

test('a write that could exceed the bound is refused, and the bound is never exceeded', () => {
  const one = setUp();
  fill(one);
  expect(one.state.stateBytes).toBeLessThanOrEqual(bytesMax);
  expect(one.refused.count).toBe(1);
  expect(one.write(swap('another', 2_000))).toBe('StateFull');
  expect(one.quota.reserve(encodeWriteCommand(put('x', 900)))?.message).toContain(
    `${one.state.stateBytes} bytes of at most ${bytesMax} (limits.max_state_bytes)`,
  );
});

test('a full state takes deletes and what makes a value no longer, and then more again', () => {
  const one = setUp();
  fill(one);
  expect(one.write(put('key-0', 700))).toBe('taken');
  expect(one.write(put('key-0', 5_000))).toBe('StateFull');
  expect(one.write(swap('key-1', undefined))).toBe('taken');
  expect(one.write({ type: 'delete', key: Buffer.from('key-2') })).toBe('taken');
  expect(one.write(put('key-0', 3))).toBe('taken');
  expect(one.write(put('new', 700))).toBe('taken');
});

test('what is proposed and not yet applied is counted, until it is settled', () => {
  const { quota, reserve } = setUp();
  const commands = Array.from({ length: 5 }, (_, number) => put(`key-${number}`, 700));
  expect(commands.map(reserve)).toEqual(Array.from(commands, () => 'taken'));
  expect(reserve(put('one-more', 1_000))).toBe('StateFull');
  expect(reserve({ type: 'delete', key: Buffer.from('a') })).toBe('taken');
  for (const command of commands) quota.release(encodeWriteCommand(command));
  expect(reserve(put('one-more', 1_000))).toBe('taken');
});

test('bytes that are no command are left to be answered as such', () => {
  const { quota } = setUp();
  expect(quota.reserve(Buffer.alloc(20_000, 0xff))).toBeUndefined();
});
