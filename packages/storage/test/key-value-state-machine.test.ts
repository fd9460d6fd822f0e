import type { Entry, WriteCommand } from '@d-engine/base';
import { encodeEntries, encodeWriteCommand, entryKinds, entryPayload } from '@d-engine/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CommandResult } from '../src/command-result.ts';
import type { AppliedBatch } from '../src/contracts.ts';
import { KeyValueStateMachine } from '../src/key-value-state-machine.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const historyId = 'ab'.repeat(16);

function newMachine(collectEvents = true): KeyValueStateMachine {
  return new KeyValueStateMachine({
    readHistoryId: (entry) => Buffer.from(entryPayload(entry)).toString(),
    collectEvents,
  });
}

function entryOf(machine: KeyValueStateMachine, payload: Uint8Array, clusterTimeMs = 0): Entry {
  const proposal = { kind: entryKinds.command, payload };
  const [entry] = encodeEntries([proposal], machine.appliedIndex + 1, 1, clusterTimeMs);
  if (entry === undefined) throw new Error('no entry');
  return entry;
}

function run(machine: KeyValueStateMachine, command: WriteCommand): AppliedBatch {
  return machine.apply([entryOf(machine, encodeWriteCommand(command))]);
}

type KeyCommand = Extract<WriteCommand, { readonly key: Uint8Array }>;

const put = (key: string, value: string, ttlMs = 0): KeyCommand => ({
  type: 'put',
  key: bytes(key),
  value: bytes(value),
  ttlMs,
});
const remove = (key: string): KeyCommand => ({ type: 'delete', key: bytes(key) });
const swap = (key: string, expected: string | null, value: string | null): KeyCommand => ({
  type: 'compareAndSwap',
  key: bytes(key),
  expected: expected === null ? null : bytes(expected),
  value: value === null ? null : bytes(value),
  ttlMs: 0,
});

function resultOf(machine: KeyValueStateMachine, command: WriteCommand): CommandResult | undefined {
  return run(machine, command).results[0];
}

function textOf(machine: KeyValueStateMachine, key: string): string | undefined {
  const found = machine.get([bytes(key)])[0];
  return found ? Buffer.from(found.value).toString() : undefined;
}

describe('a new history', () => {
  it('has an id of its own, and revisions that were never issued before', () => {
    const machine = newMachine();
    run(machine, put('a', '1'));
    const proposal = { kind: entryKinds.newHistory, payload: bytes('cd'.repeat(16)) };
    machine.apply(encodeEntries([proposal], 2, 1, 0));
    expect(machine.historyId).toBe('cd'.repeat(16));
    expect(machine.revision).toBe(1_000_000_002);
    expect(resultOf(machine, put('a', '2'))).toEqual({ type: 'put', revision: 1_000_000_003 });
    expect(textOf(machine, 'a')).toBe('2');
  });
});

describe('put and delete', () => {
  it('answer with their revision and keep count of writes', () => {
    const machine = newMachine();
    expect(resultOf(machine, put('a', '1'))).toEqual({ type: 'put', revision: 1 });
    run(machine, put('a', '2'));
    expect(machine.get([bytes('a'), bytes('b')])).toEqual([
      { key: bytes('a'), value: bytes('2'), createRevision: 1, modRevision: 2, version: 2 },
      null,
    ]);
    expect(resultOf(machine, remove('a'))).toEqual({ type: 'delete', revision: 3, deleted: true });
    expect(resultOf(machine, remove('a'))).toEqual({ type: 'delete', revision: 4, deleted: false });
    run(machine, put('a', '3'));
    expect(machine.get([bytes('a')])[0]).toMatchObject({ createRevision: 5, version: 1 });
    expect(machine.revision).toBe(5);
  });

  it('take any bytes as keys and values', () => {
    const machine = newMachine();
    const keys = [Buffer.from([0]), Buffer.from([0, 0]), Buffer.from([255, 128]), Buffer.alloc(0)];
    for (const key of keys) run(machine, { type: 'put', key, value: key, ttlMs: 0 });
    expect(machine.get(keys).map((found) => found?.value)).toEqual(keys);
    expect(machine.keyCount).toBe(4);
  });

  it('keep copies, no views of the log', () => {
    const machine = newMachine();
    const entry = entryOf(machine, encodeWriteCommand(put('key', 'value')));
    machine.apply([entry]);
    entry.encoded.fill(0);
    const found = machine.get([bytes('key')])[0];
    expect(found?.value).toEqual(bytes('value'));
  });

  it('hand out copies: what a caller does with a value is its own affair', () => {
    const machine = newMachine();
    run(machine, put('key', 'value'));
    machine.get([bytes('key')])[0]?.value.fill(0);
    const swapped = resultOf(machine, swap('key', 'other', 'x'));
    if (swapped?.type !== 'compareAndSwap') throw new Error('no swap');
    swapped.current?.fill(0);
    const before = machine.get([bytes('key')])[0];
    run(machine, put('key', 'later'));
    expect(before?.value).toEqual(bytes('value'));
    expect(textOf(machine, 'key')).toBe('later');
  });
});

describe('compare and swap', () => {
  const cases: readonly [string, string | undefined, WriteCommand, boolean, string | undefined][] =
    [
      ['equal: sets', 'old', swap('k', 'old', 'new'), true, 'new'],
      ['differs: leaves it', 'old', swap('k', 'other', 'new'), false, 'old'],
      ['absent though expected', undefined, swap('k', 'old', 'new'), false, undefined],
      ['absent as expected: creates', undefined, swap('k', null, 'new'), true, 'new'],
      ['there though expected absent', 'old', swap('k', null, 'new'), false, 'old'],
      ['equal: deletes', 'old', swap('k', 'old', null), true, undefined],
      ['differs: does not delete', 'old', swap('k', 'other', null), false, 'old'],
      ['absent as expected: nothing to delete', undefined, swap('k', null, null), true, undefined],
      ['an empty value is not absent', '', swap('k', null, 'new'), false, ''],
      ['an empty value is equal to an empty one', '', swap('k', '', 'new'), true, 'new'],
    ];
  it.each(cases)('%s', (_, before, command, succeeded, after) => {
    const machine = newMachine();
    if (before !== undefined) run(machine, put('k', before));
    const result = resultOf(machine, command);
    const current = succeeded || before === undefined ? null : bytes(before);
    const revision = machine.revision;
    expect(result).toEqual({ type: 'compareAndSwap', revision, succeeded, current });
    expect(textOf(machine, 'k')).toBe(after);
  });

  it('sees earlier commands of the same batch', () => {
    const machine = newMachine();
    const commands = [
      put('k', '1'),
      swap('k', '1', '2'),
      swap('k', '1', '3'),
      swap('k', '2', null),
    ];
    const proposals = commands.map((command) => ({
      kind: entryKinds.command,
      payload: encodeWriteCommand(command),
    }));
    const { results } = machine.apply(encodeEntries(proposals, 1, 1, 0));
    expect(results).toMatchObject([
      { type: 'put' },
      { succeeded: true },
      { succeeded: false, current: bytes('2') },
      { succeeded: true },
    ]);
    expect(machine.keyCount).toBe(0);
  });
});

describe('apply', () => {
  it('answers nothing for entries that are no commands', () => {
    const machine = newMachine();
    const kinds = [entryKinds.noop, entryKinds.bootstrap, entryKinds.binding];
    const proposals = kinds.map((kind) => ({ kind, payload: bytes(historyId) }));
    expect(machine.historyId).toBe(null);
    expect(machine.apply(encodeEntries(proposals, 1, 1, 5)).results).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(machine).toMatchObject({ appliedIndex: 3, revision: 3, historyId, clusterTimeMs: 5 });
  });

  it('makes a result of bytes that are no command, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (payload) => {
        const machine = newMachine();
        const [result] = machine.apply([entryOf(machine, payload)]).results;
        expect(result?.revision).toBe(1);
      }),
      { numRuns: 2000 },
    );
    const machine = newMachine();
    const [result] = machine.apply([entryOf(machine, bytes('\xff'))]).results;
    expect(result).toMatchObject({ type: 'refused', error: 'InvalidRequest', revision: 1 });
    expect(machine.keyCount).toBe(0);
  });

  it('stops at a gap, at time going back, at an unknown kind and at a second birth', () => {
    const machine = newMachine();
    const [first, second] = encodeEntries(
      [1, 2].map(() => ({ kind: entryKinds.noop, payload: bytes('') })),
      1,
      1,
      50,
    );
    if (first === undefined || second === undefined) throw new Error('no entries');
    expect(() => machine.apply([second])).toThrow('applying entry 2 after 0');
    machine.apply([first]);
    expect(() => machine.apply([first])).toThrow('applying entry 1 after 1');
    expect(() => newMachine().apply([{ ...first, kind: 9 as 1 }])).toThrow('entry kind');
    expect(() => machine.apply([{ ...second, clusterTimeMs: 49 }])).toThrow('time goes back');
    const births = [1, 2].map(() => ({ kind: entryKinds.bootstrap, payload: bytes(historyId) }));
    expect(() => newMachine().apply(encodeEntries(births, 1, 1, 0))).toThrow('second bootstrap');
  });

  it('tells of each change, with what was there before, when asked to', () => {
    const machine = newMachine();
    const events = [
      put('a', '1'),
      put('a', '2'),
      swap('a', 'x', '3'),
      swap('a', '2', '3'),
      remove('a'),
      remove('a'),
    ].flatMap((command) => run(machine, command).events);
    const key = bytes('a');
    expect(events).toEqual([
      { revision: 1, type: 'put', key, value: bytes('1'), previous: null },
      { revision: 2, type: 'put', key, value: bytes('2'), previous: bytes('1') },
      { revision: 4, type: 'put', key, value: bytes('3'), previous: bytes('2') },
      { revision: 5, type: 'delete', key, value: null, previous: bytes('3') },
    ]);
    expect(run(newMachine(false), put('a', '1')).events).toEqual([]);
  });
});

const key = fc.constantFrom('', 'a', 'b', 'cc', '\u00ff');
const value = fc.string({ maxLength: 12 });
const command: fc.Arbitrary<KeyCommand> = fc.oneof(
  fc.tuple(key, value).map(([name, text]) => put(name, text)),
  key.map(remove),
  fc
    .tuple(key, fc.option(value), fc.option(value))
    .map(([name, expected, next]) => swap(name, expected, next)),
);

describe('state', () => {
  it('is a function of the entries, however they are batched, and so is its hash', () => {
    fc.assert(
      fc.property(fc.array(command), fc.integer({ min: 1, max: 9 }), (commands, batchSize) => {
        const proposals = commands.map((each) => ({
          kind: entryKinds.command,
          payload: encodeWriteCommand(each),
        }));
        const entries = encodeEntries(proposals, 1, 1, 0);
        const whole = newMachine();
        const batched = newMachine(false);
        const { results } = whole.apply(entries);
        const batchedResults: (CommandResult | undefined)[] = [];
        for (let at = 0; at < entries.length; at += batchSize) {
          batchedResults.push(...batched.apply(entries.slice(at, at + batchSize)).results);
        }
        expect(batchedResults).toEqual(results);
        expect(batched.stateHash()).toBe(whole.stateHash());
        expect(batched.stateBytes).toBe(whole.stateBytes);
      }),
    );
  });

  it('shows its state after each entry of a batch, as if each came alone', () => {
    const commands = [put('a', '1'), put('a', '2'), remove('b'), put('b', '1')];
    const seen = (batchSize: number): string[] => {
      const states: string[] = [];
      const machine = new KeyValueStateMachine({
        readHistoryId: () => historyId,
        onEntryApplied: (state) => states.push(`${state.appliedIndex} ${state.stateHash()}`),
      });
      const proposals = commands.map((each) => ({
        kind: entryKinds.command,
        payload: encodeWriteCommand(each),
      }));
      const entries = encodeEntries(proposals, 1, 1, 0);
      for (let at = 0; at < entries.length; at += batchSize) {
        machine.apply(entries.slice(at, at + batchSize));
      }
      return states;
    };
    const alone = seen(1);
    expect(alone.map((state) => state.split(' ')[0])).toEqual(['1', '2', '3', '4']);
    expect(seen(4)).toEqual(alone);
    expect(new Set(alone).size).toBe(4);
  });

  it('holds what a plain map holds', () => {
    fc.assert(
      fc.property(fc.array(command), (commands) => {
        const machine = newMachine();
        const model = new Map<string, string>();
        for (const each of commands) {
          run(machine, each);
          const name = Buffer.from(each.key).toString();
          const current = model.get(name);
          if (each.type === 'put') model.set(name, Buffer.from(each.value).toString());
          else if (each.type === 'delete') model.delete(name);
          else if (
            current === (each.expected ? Buffer.from(each.expected).toString() : undefined)
          ) {
            if (each.value === null) model.delete(name);
            else model.set(name, Buffer.from(each.value).toString());
          }
        }
        expect(machine.keyCount).toBe(model.size);
        for (const [name, text] of model) expect(textOf(machine, name)).toBe(text);
      }),
    );
  });

  it('gets another hash with every difference', () => {
    const hashes = new Set<string>();
    const histories: readonly (readonly WriteCommand[])[] = [
      [],
      [put('a', '1')],
      [put('a', '2')],
      [put('b', '1')],
      [put('a1', '')],
      [put('', 'a1')],
      [put('a', '1'), put('a', '1')],
      [put('a', '1'), remove('a')],
      [put('a', '1'), remove('b')],
      [put('a', '1'), remove('a'), put('a', '1')],
      [put('b', '1'), remove('b'), put('a', '1')],
      [put('a', '1'), put('b', '1')],
      [put('b', '1'), put('a', '1')],
    ];
    for (const history of histories) {
      const machine = newMachine();
      for (const each of history) run(machine, each);
      expect(machine.stateHash()).toMatch(/^[0-9a-f]{16}$/);
      hashes.add(machine.stateHash());
    }
    // The two that differ only in a key that came and went are the same state.
    expect(hashes.size).toBe(histories.length - 1);
  });

  it('counts its bytes down to nothing', () => {
    const machine = newMachine();
    const empty = machine.stateBytes;
    run(machine, put('key', 'a longer value'));
    const one = machine.stateBytes;
    expect(one).toBeGreaterThan(empty + 17);
    run(machine, put('key', 'short'));
    expect(one - machine.stateBytes).toBe(9);
    run(machine, remove('key'));
    expect(machine.stateBytes).toBe(empty);
  });
});
