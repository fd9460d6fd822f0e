import { crc32 } from 'node:zlib';
import type { Entry, LogIndex, Term } from '@d-engine/base';
import { encodeEntries, entryKinds, silentLogger } from '@d-engine/base';
import { SegmentedLog } from '@d-engine/storage';
import { VirtualWorld } from '@d-engine/virtual-env';
import { beforeEach, expect, test } from 'vitest';
import { DurableLog } from '../../src/invariants/durable-log.ts';

const directory = '/data/log';
const payload: Uint8Array = payloadOf(300);

let world: VirtualWorld;
let log: SegmentedLog;
let durable: DurableLog;

beforeEach(() => openLog(4096));

async function openLog(segmentBytes: number): Promise<void> {
  world = new VirtualWorld({ seed: 1 });
  const host = world.host('n1');
  const { disk } = host.env;
  await world.complete(disk.makeDirectory(directory));
  await world.complete(disk.syncDirectory('/'));
  await world.complete(disk.syncDirectory('/data'));
  const owner = '0123456789abcdef0123456789abcdef';
  const options = { disk, directory, owner, logger: silentLogger, segmentBytes };
  await world.complete(SegmentedLog.create(options));
  ({ log } = await world.complete(SegmentedLog.open(options)));
  durable = new DurableLog(host.disk, directory);
}

function payloadOf(bytes: number): Uint8Array {
  return new Uint8Array(bytes).fill(7);
}

function entriesOf(firstIndex: LogIndex, count: number, term: Term, each = payload): Entry[] {
  const proposal = { kind: entryKinds.command, payload: each };
  const proposals = Array.from({ length: count }, () => proposal);
  return encodeEntries(proposals, firstIndex, term, 1_000);
}

function append(entries: readonly Entry[], truncateFrom?: LogIndex): Promise<void> {
  return log.append({ reset: undefined, entries, truncateFrom, commitIndex: 0 });
}

/** As a reader that comes now, and as one that was there from the beginning. */
function termsOnPlatter(): (Term | undefined)[] {
  durable.catchUp();
  const late = new DurableLog(world.host('n1').disk, directory);
  late.catchUp();
  const terms = (each: DurableLog): (Term | undefined)[] =>
    Array.from({ length: 40 }, (_, position) => each.at(position + 1)?.term);
  expect(terms(late)).toEqual(terms(durable));
  const found = terms(durable);
  return found.slice(0, found.findLastIndex((term) => term !== undefined) + 1);
}

test('entries are on the platter once their write has returned, with their bytes', async () => {
  const entries = entriesOf(1, 3, 1);
  await world.complete(append(entries));
  expect(termsOnPlatter()).toEqual([1, 1, 1]);
  for (const { index, encoded } of entries) {
    expect(durable.at(index)?.checksum).toBe(crc32(encoded));
  }
});

test('what is written and not synced is not there', async () => {
  await world.complete(append(entriesOf(1, 1, 1)));
  const pending = append(entriesOf(2, 1, 1));
  const { disk } = world.host('n1');
  await world.run({ until: () => disk.hasUnsynced, limitMs: 1_000 });
  expect(disk.hasUnsynced).toBe(true);
  expect(termsOnPlatter()).toEqual([1]);
  await world.complete(pending);
  expect(termsOnPlatter()).toEqual([1, 1]);
});

test('a truncation takes entries off, also where it stands in a later file', async () => {
  const second = (): Uint8Array | undefined =>
    world.host('n1').disk.peekDurable(`${directory}/00000000000000000002.segment`, 0, 1);
  // Ten of them fill the first file.
  for (let index = 1; index <= 10; index++) await world.complete(append(entriesOf(index, 1, 1)));
  expect(termsOnPlatter()).toEqual(Array.from({ length: 10 }, () => 1));
  expect(second()?.[0] ?? 0).toBe(0);
  await world.complete(append(entriesOf(4, 2, 2), 4));
  expect(second()?.[0]).not.toBe(0);
  expect(termsOnPlatter()).toEqual([1, 1, 1, 2, 2]);
  await world.complete(append([], 3));
  expect(termsOnPlatter()).toEqual([1, 1]);
});

test('what was read of one file is not taken for the next one', async () => {
  await openLog(1024);
  await world.complete(append(entriesOf(1, 1, 1)));
  // Too large for what is left of the first file, where the reader has read ahead.
  await world.complete(append(entriesOf(2, 1, 2, payloadOf(600))));
  await world.complete(append(entriesOf(3, 1, 3)));
  expect(termsOnPlatter()).toEqual([1, 2, 3]);
});

test('a file without a durable name is not there', async () => {
  await world.complete(append(entriesOf(1, 1, 1)));
  expect(world.host('n1').disk.peekDurable(`${directory}/none`, 0, 1)).toBeUndefined();
  const file = await world.complete(world.host('n1').env.disk.open(`${directory}/new`, 'create'));
  await world.complete(file.writeAndSync(0, [payload]));
  expect(world.host('n1').disk.peekDurable(`${directory}/new`, 0, 4)).toBeUndefined();
  await world.complete(world.host('n1').env.disk.syncDirectory(directory));
  expect(world.host('n1').disk.peekDurable(`${directory}/new`, 0, 4)).toEqual(payload.slice(0, 4));
});

test('what stands behind the last whole record is found, in a later file too', async () => {
  await world.complete(append(entriesOf(1, 2, 1)));
  durable.catchUp();
  expect(durable.remains()).toBeUndefined();
  const first = `${directory}/00000000000000000001.segment`;
  await writeByte(first, 4_000);
  expect(durable.remains()).toBe(`${first} at 4000`);
  await writeByte(first, 4_000, 0);
  expect(durable.remains()).toBeUndefined();
  await world.run({ forMs: 1_000 });
  const second = `${directory}/00000000000000000002.segment`;
  await writeByte(second, 70);
  expect(durable.remains()).toBe(`${second} at 70`);
});

test('a log that was purged begins where its first file does', async () => {
  await openLog(1024);
  for (let index = 1; index <= 9; index++) await world.complete(append(entriesOf(index, 1, 1)));
  durable.catchUp();
  expect(durable.firstIndex).toBe(1);
  for (let index = 10; index <= 12; index++) await world.complete(append(entriesOf(index, 1, 2)));
  // Also the file that was read last.
  await world.complete(log.purge(11, 2));
  durable.catchUp();
  const late = new DurableLog(world.host('n1').disk, directory);
  late.catchUp();
  for (const each of [durable, late]) {
    expect(each.at(12)?.term).toBe(2);
    expect(each.firstIndex).toBeGreaterThan(9);
    expect(each.at(each.firstIndex)).toBeDefined();
  }
  expect(late.at(late.firstIndex - 1)).toBeUndefined();
});

test('a log that a snapshot took the place of begins behind it', async () => {
  await world.complete(append(entriesOf(1, 5, 1)));
  const reset = { index: 8, term: 2 };
  const entries = entriesOf(9, 1, 3);
  await world.complete(log.append({ reset, entries, truncateFrom: undefined, commitIndex: 8 }));
  expect(termsOnPlatter()).toEqual([...Array.from({ length: 8 }, () => undefined), 3]);
  expect(durable.firstIndex).toBe(9);
});

async function writeByte(path: string, position: number, byte = 7): Promise<void> {
  const file = await world.complete(world.host('n1').env.disk.open(path, 'readWrite'));
  await world.complete(file.writeAndSync(position, [Uint8Array.of(byte)]));
  await world.complete(file.close());
}
