import type { WriteCommand } from '@d-engine/base';
import { encodeEntries, encodeWriteCommand, entryKinds } from '@d-engine/base';
import type { CommandResult } from '../command-result.ts';
import type { StateMachine } from '../contracts.ts';
import type { SnapshotHeader, SnapshotSection } from '../snapshot-format.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { casesOf, mustEqual, mustReject, pairCasesOf } from './conformance-case.ts';

/** Makes an empty machine that takes d-engine's own commands. */
export type StateMachineFactory = () => StateMachine | Promise<StateMachine>;

/** What every state machine for d-engine's own commands must do, as cases for any test runner. */
export function stateMachineConformance(create: StateMachineFactory): ConformanceCase[] {
  const alone = casesOf(create, [
    ['is empty at first', isEmpty],
    ['puts, gets and deletes', putsGetsAndDeletes],
    ['swaps when the value is the expected one, and only then', swaps],
    ['answers each entry, in order, and moves on with each', answersEachEntry],
    ['reads many keys in the order asked for, absent ones as null', readsMany],
    ['takes a thousand commands in one call, and shows all of them or none', takesMany],
    ['takes any bytes as key and value', takesAnyBytes],
    ['refuses a gap, and an entry twice', refusesGaps],
    ['makes a result of bytes that are no command', survivesBadCommands],
    ['hands out values that nothing changes later', handsOutCopies],
  ]);
  const paired = pairCasesOf(create, [
    ['has the same hash as another after the same entries, however batched', agrees],
    ['shows in a view the state of its moment, and loads it into another machine', moves],
    ['stays as it was when a snapshot is not what it says', refusesDamage],
  ]);
  return [...alone, ...paired];
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

function put(key: string, value: string): WriteCommand {
  return { type: 'put', key: bytes(key), value: bytes(value), ttlMs: 0 };
}

function remove(key: string): WriteCommand {
  return { type: 'delete', key: bytes(key) };
}

function swap(key: string, expected: string | null, value: string | null): WriteCommand {
  const bytesOf = (text: string | null): Buffer | null => (text === null ? null : bytes(text));
  const type = 'compareAndSwap';
  return { type, key: bytes(key), expected: bytesOf(expected), value: bytesOf(value), ttlMs: 0 };
}

function applyAll(
  machine: StateMachine,
  commands: readonly WriteCommand[],
): readonly (CommandResult | undefined)[] {
  const proposals = commands.map((command) => ({
    kind: entryKinds.command,
    payload: encodeWriteCommand(command),
  }));
  return machine.apply(encodeEntries(proposals, machine.appliedIndex + 1, 1, 0)).results;
}

function valuesOf(machine: StateMachine, ...keys: readonly string[]): (string | null)[] {
  return machine
    .get(keys.map((key) => bytes(key)))
    .map((found) => (found === null ? null : Buffer.from(found.value).toString('latin1')));
}

function isEmpty(machine: StateMachine): void {
  const { appliedIndex, keyCount, historyId, clusterTimeMs } = machine;
  const found = { appliedIndex, keyCount, historyId, clusterTimeMs };
  const expected = { appliedIndex: 0, keyCount: 0, historyId: null, clusterTimeMs: 0 };
  mustEqual(found, expected, 'a new machine');
  mustEqual(valuesOf(machine, 'a'), [null], 'a read of it');
}

function putsGetsAndDeletes(machine: StateMachine): void {
  applyAll(machine, [put('a', '1'), put('a', '2'), put('b', '3')]);
  const [found] = machine.get([bytes('a')]);
  const expected = { value: '2', createRevision: 1, modRevision: 2, version: 2 };
  mustEqual({ ...found, key: undefined }, { key: undefined, ...expected }, 'a key written twice');
  const results = applyAll(machine, [remove('a'), remove('a')]);
  mustEqual(
    results,
    [
      { type: 'delete', revision: 4, deleted: true },
      { type: 'delete', revision: 5, deleted: false },
    ],
    'deletes',
  );
  mustEqual(valuesOf(machine, 'a', 'b'), [null, '3'], 'what is left');
  mustEqual(machine.keyCount, 1, 'the number of keys');
}

function swaps(machine: StateMachine): void {
  const results = applyAll(machine, [
    swap('a', 'x', '0'),
    swap('a', null, '1'),
    swap('a', null, '2'),
    swap('a', 'x', '3'),
    swap('a', '1', '4'),
    swap('a', '4', null),
    swap('a', null, ''),
    swap('a', null, '5'),
  ]);
  const found = results.map((result) =>
    result?.type === 'compareAndSwap' ? [result.succeeded, result.current] : result,
  );
  const nothing: null = null;
  mustEqual(
    found,
    [
      [false, nothing],
      [true, nothing],
      [false, '1'],
      [false, '1'],
      [true, nothing],
      [true, nothing],
      [true, nothing],
      [false, ''],
    ],
    'swaps',
  );
  mustEqual(valuesOf(machine, 'a'), [''], 'what they left');
}

function answersEachEntry(machine: StateMachine): void {
  const noop = { kind: entryKinds.noop, payload: bytes('') };
  const command = { kind: entryKinds.command, payload: encodeWriteCommand(put('a', '1')) };
  const { results } = machine.apply(encodeEntries([noop, command, noop], 1, 1, 50));
  mustEqual(results.length, 3, 'the number of results');
  mustEqual([results[0], results[2]], [undefined, undefined], 'results of no commands');
  mustEqual(results[1], { type: 'put', revision: 2 }, 'the result of the command');
  const { appliedIndex, revision, clusterTimeMs } = machine;
  mustEqual([appliedIndex, revision, clusterTimeMs], [3, 3, 50], 'index, revision and time');
}

function readsMany(machine: StateMachine): void {
  applyAll(machine, [put('a', '1'), put('c', '3'), put('b', '2')]);
  mustEqual(valuesOf(machine, 'c', 'x', 'a', 'c'), ['3', null, '1', '3'], 'a read of many keys');
  mustEqual(valuesOf(machine), [], 'a read of no keys');
}

function takesMany(machine: StateMachine): void {
  const keys = Array.from({ length: 500 }, (_, number) => `key-${number}`);
  for (const value of ['first', 'second']) {
    const results = applyAll(
      machine,
      keys.flatMap((key) => [put(key, 'never seen'), put(key, value)]),
    );
    mustEqual(results.length, 1000, 'the number of results');
    mustEqual(valuesOf(machine, ...keys), Array(500).fill(value), 'all keys in one read');
  }
  mustEqual(machine.keyCount, 500, 'the number of keys');
}

function takesAnyBytes(machine: StateMachine): void {
  const keys = ['', '\0', '\0\0', '\xff', '\xff\xfe', 'x'.repeat(5000)];
  applyAll(
    machine,
    keys.map((key) => put(key, key)),
  );
  mustEqual(valuesOf(machine, ...keys), keys, 'keys of any bytes');
}

async function refusesGaps(machine: StateMachine): Promise<void> {
  const noop = { kind: entryKinds.noop, payload: bytes('') };
  const [first, second, third] = encodeEntries([noop, noop, noop], 1, 1, 0);
  if (first === undefined || second === undefined || third === undefined) return;
  machine.apply([first]);
  await mustReject(async () => machine.apply([third]), 'entry 3 after entry 1');
  await mustReject(async () => machine.apply([first]), 'entry 1 after entry 1');
  machine.apply([second]);
}

function survivesBadCommands(machine: StateMachine): void {
  for (const payload of [bytes('\xff'), bytes(''), bytes('no command')]) {
    const proposal = { kind: entryKinds.command, payload };
    const { results } = machine.apply(encodeEntries([proposal], machine.appliedIndex + 1, 1, 0));
    mustEqual(results[0]?.type, 'refused', 'the result of bytes that are no command');
  }
  mustEqual(machine.keyCount, 0, 'the number of keys');
}

function handsOutCopies(machine: StateMachine): void {
  applyAll(machine, [put('a', 'first')]);
  const [found] = machine.get([bytes('a')]);
  applyAll(machine, [put('a', 'later'), remove('a'), put('b', 'other')]);
  mustEqual(found?.value, 'first', 'a value that was read before the key was written');
}

const history: readonly WriteCommand[] = [
  put('b', '1'),
  put('a', '2'),
  swap('a', '2', '3'),
  remove('b'),
  put('c', '4'),
  put('b', '5'),
];

async function agrees(one: StateMachine, other: StateMachine): Promise<void> {
  applyAll(one, history);
  for (const command of history) applyAll(other, [command]);
  mustEqual(one.stateHash(), other.stateHash(), 'the hash of the same state');
  mustEqual(one.stateBytes, other.stateBytes, 'the size of the same state');
  const before = one.stateHash();
  applyAll(one, [put('a', '4')]);
  if (one.stateHash() === before) mustEqual(before, 'another', 'the hash of another state');
}

const headerAt = (index: number): SnapshotHeader => {
  return { clusterId: 'c'.repeat(32), formedAtWallMs: 1, index, term: 1 };
};

async function moves(one: StateMachine, other: StateMachine): Promise<void> {
  applyAll(one, history);
  const hash = one.stateHash();
  const view = one.view();
  mustEqual(view.appliedIndex, history.length, 'the index of a view');
  applyAll(one, [put('a', 'after'), remove('c'), put('d', 'after')]);
  await other.load(headerAt(view.appliedIndex), view.sections());
  view.release();
  mustEqual(other.stateHash(), hash, 'the hash of what was loaded');
  mustEqual(other.appliedIndex, history.length, 'the index of what was loaded');
  mustEqual(valuesOf(other, 'a', 'b', 'c', 'd'), ['3', '5', '4', null], 'what was loaded');
  mustEqual(valuesOf(one, 'a', 'b', 'c', 'd'), ['after', '5', null, 'after'], 'what went on');
  applyAll(other, [put('a', 'after'), remove('c'), put('d', 'after')]);
  mustEqual(other.stateHash(), one.stateHash(), 'the hash after the same entries on both');
}

async function refusesDamage(one: StateMachine, other: StateMachine): Promise<void> {
  applyAll(one, history);
  const view = one.view();
  const sections: SnapshotSection[] = [];
  for await (const section of view.sections()) sections.push(section);
  view.release();
  applyAll(other, [put('z', 'kept')]);
  const before = other.stateHash();
  const cut = sections.slice(0, -1);
  await mustReject(() => other.load(headerAt(history.length), cut), 'a snapshot without its data');
  mustEqual(other.stateHash(), before, 'the state after a snapshot that was refused');
  mustEqual(valuesOf(other, 'z'), ['kept'], 'what was there before');
}
