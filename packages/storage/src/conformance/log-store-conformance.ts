import type { Entry, Proposal } from '@d-engine/base';
import { encodeEntries, entryKinds } from '@d-engine/base';
import type { LogBatch, LogStore, RecoveredLog } from '../contracts.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { casesOf, mustEqual } from './conformance-case.ts';

export interface OpenedLogStore {
  readonly log: LogStore;
  readonly recovered: RecoveredLog;
}

/** An empty place for a log: each `open` after the first finds what is there, as a restart. */
export interface LogPlace {
  readonly open: () => Promise<OpenedLogStore>;
}

/** What every log must do, as cases for any test runner. */
export function logStoreConformance(create: () => LogPlace | Promise<LogPlace>): ConformanceCase[] {
  return casesOf(create, [
    ['is empty at first, and again after a restart', isEmpty],
    ['keeps one entry', keepsOne],
    ['keeps a thousand entries of one batch, every byte of them', keepsMany],
    ['keeps large entries', keepsLarge],
    ['writes in the order of the calls, however many wait', keepsOrder],
    ['takes a batch with nothing in it', takesNothing],
    ['records a commit index that comes alone', recordsCommit],
    ['reads as much as asked for, but one entry at least', readsPortions],
    ['reads nothing at the place of an entry that was removed', readsNoRemoved],
    ['reads old entries as well as new ones', readsOld],
    ['removes a suffix and puts other entries there', truncates],
    ['removes a suffix and puts nothing there', truncatesToLess],
    ['removes all there is', truncatesAll],
    ['begins anew behind a snapshot', resets],
    ['forgets a prefix without a gap', purges],
    ['has nothing to do for a purge below its first entry', purgesNothing],
    ['goes on with entries behind a purge of all there was', goesOnBehindPurge],
    ['tells the terms, the entries about members and the cluster time', tellsWhatIsIn],
    ['finishes what was asked for before it closes', closesInOrder],
    ['knows its size', knowsItsSize],
  ]);
}

const members = entryKinds.binding;

function entriesOf(
  first: number,
  term: number,
  count: number,
  bytesEach = 20,
  kind: Proposal['kind'] = entryKinds.command,
): Entry[] {
  const proposals = Array.from({ length: count }, (_, position): Proposal => {
    const payload = Buffer.alloc(bytesEach, `${first + position}@${term} `);
    return { kind, payload };
  });
  return encodeEntries(proposals, first, term, 1000 * term + first);
}

function batchOf(entries: readonly Entry[], parts: Partial<LogBatch> = {}): LogBatch {
  return { reset: undefined, truncateFrom: undefined, commitIndex: 0, ...parts, entries };
}

function textsOf(entries: readonly Entry[]): string[] {
  return entries.map(({ index, term, encoded }) => {
    return `${index}@${term} ${Buffer.from(encoded).toString('base64')}`;
  });
}

/** All from `first` on, in portions, as peers and the apply loop read. */
async function readAll(log: LogStore, first: number, last: number): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let next = first; next <= last; next = first + entries.length) {
    const found = await log.read(next, last, 3_000);
    mustEqual(found.length > 0, true, `that entry ${next} can be read`);
    entries.push(...found);
  }
  return entries;
}

/** That a log holds these entries, now and after a restart, and nothing else. */
async function mustHold(
  place: LogPlace,
  log: LogStore,
  entries: readonly Entry[],
): Promise<RecoveredLog> {
  const first = entries[0]?.index ?? 1;
  const last = entries.at(-1)?.index ?? 0;
  mustEqual(textsOf(await readAll(log, first, last)), textsOf(entries), 'the entries');
  await log.close();
  const again = await place.open();
  const { firstIndex, lastIndex } = again.recovered;
  mustEqual([firstIndex, lastIndex], [first, last], 'first and last index after a restart');
  const found = textsOf(await readAll(again.log, first, last));
  mustEqual(found, textsOf(entries), 'the entries after a restart');
  await again.log.close();
  return again.recovered;
}

async function isEmpty(place: LogPlace): Promise<void> {
  const { log, recovered } = await place.open();
  const { firstIndex, lastIndex, precedingTerm, commitIndex } = recovered;
  mustEqual([firstIndex, lastIndex, precedingTerm, commitIndex], [1, 0, 0, 0], 'an empty log');
  mustEqual([recovered.termStarts, recovered.membershipEntries], [[], []], 'what is in it');
  await log.idle();
  await mustHold(place, log, []);
}

async function keepsOne(place: LogPlace): Promise<void> {
  const { log } = await place.open();
  const entries = entriesOf(1, 1, 1);
  await log.append(batchOf(entries));
  await mustHold(place, log, entries);
}

async function keepsMany(place: LogPlace): Promise<void> {
  const { log } = await place.open();
  const entries = [...entriesOf(1, 1, 1), ...entriesOf(2, 1, 999, 50)];
  await log.append(batchOf(entries, { commitIndex: 0 }));
  await log.idle();
  await mustHold(place, log, entries);
}

async function keepsLarge(place: LogPlace): Promise<void> {
  const { log } = await place.open();
  const entries = [...entriesOf(1, 1, 1, 0), ...entriesOf(2, 1, 3, 100_000)];
  await log.append(batchOf(entries));
  await mustHold(place, log, entries);
}

async function keepsOrder(place: LogPlace): Promise<void> {
  const { log } = await place.open();
  const entries = entriesOf(1, 1, 60);
  const finished: number[] = [];
  await Promise.all(
    entries.map(async (entry) => {
      await log.append(batchOf([entry]));
      finished.push(entry.index);
    }),
  );
  mustEqual(
    finished,
    entries.map(({ index }) => index),
    'the order in which writes are durable',
  );
  await mustHold(place, log, entries);
}

async function takesNothing(place: LogPlace): Promise<void> {
  const { log } = await place.open();
  await log.append(batchOf([]));
  const entries = entriesOf(1, 1, 2);
  await log.append(batchOf(entries));
  await log.append(batchOf([]));
  await mustHold(place, log, entries);
}

async function recordsCommit(place: LogPlace): Promise<void> {
  const { log } = await place.open();
  const entries = entriesOf(1, 1, 3);
  await log.append(batchOf(entries, { commitIndex: 1 }));
  await log.append(batchOf([], { commitIndex: 3 }));
  const { commitIndex } = await mustHold(place, log, entries);
  mustEqual(commitIndex, 3, 'the commit index after a restart');
}

async function readsPortions(place: LogPlace): Promise<void> {
  const { log } = await place.open();
  const entries = entriesOf(1, 1, 10, 1_000);
  await log.append(batchOf(entries));
  const one = entries[0]?.encoded.length ?? 0;
  const indexes = async (from: number, to: number, bytesMax: number): Promise<number[]> =>
    (await log.read(from, to, bytesMax)).map(({ index }) => index);
  mustEqual(await indexes(1, 10, 1), [1], 'a read of fewer bytes than an entry has');
  mustEqual(await indexes(3, 10, 2 * one), [3, 4], 'a read of the bytes of two');
  mustEqual(await indexes(3, 10, 3 * one - 1), [3, 4], 'a read of nearly three');
  mustEqual(await indexes(8, 9, 10 * one), [8, 9], 'a read up to an index');
  await log.close();
}

async function readsNoRemoved(place: LogPlace): Promise<void> {
  const { log } = await place.open();
  await log.append(batchOf(entriesOf(1, 1, 2)));
  const reset = { index: 7, term: 3 };
  await log.append(batchOf(entriesOf(8, 3, 2), { reset, commitIndex: 7 }));
  mustEqual(await log.read(1, 9, 10_000), [], 'a read of what a snapshot replaced');
  await log.close();
}

async function readsOld(place: LogPlace): Promise<void> {
  const { log } = await place.open();
  const entries: Entry[] = [];
  for (let first = 1; first <= 200; first += 10) {
    const more = entriesOf(first, 1, 10, 300);
    entries.push(...more);
    await log.append(batchOf(more, { commitIndex: first - 1 }));
  }
  for (const index of [1, 77, 200]) {
    const found = await log.read(index, index, 1);
    mustEqual(textsOf(found), textsOf(entries.slice(index - 1, index)), `entry ${index}`);
  }
  await mustHold(place, log, entries);
}

async function truncates(place: LogPlace): Promise<void> {
  const { log } = await place.open();
  const old = entriesOf(1, 1, 6);
  await log.append(batchOf(old, { commitIndex: 2 }));
  const other = entriesOf(4, 2, 2);
  await log.append(batchOf(other, { truncateFrom: 4, commitIndex: 2 }));
  const { termStarts } = await mustHold(place, log, [...old.slice(0, 3), ...other]);
  mustEqual(
    termStarts,
    [
      { index: 1, term: 1 },
      { index: 4, term: 2 },
    ],
    'where terms begin',
  );
}

async function truncatesToLess(place: LogPlace): Promise<void> {
  const { log } = await place.open();
  const entries = [...entriesOf(1, 1, 2), ...entriesOf(3, 2, 2)];
  await log.append(batchOf(entries));
  await log.append(batchOf([], { truncateFrom: 3 }));
  const { termStarts } = await mustHold(place, log, entries.slice(0, 2));
  mustEqual(termStarts, [{ index: 1, term: 1 }], 'where terms begin');
}

async function truncatesAll(place: LogPlace): Promise<void> {
  const { log } = await place.open();
  await log.append(batchOf(entriesOf(1, 1, 5, 20, members)));
  await log.append(batchOf([], { truncateFrom: 1 }));
  const { membershipEntries } = await mustHold(place, log, []);
  mustEqual(membershipEntries, [], 'entries about members');
}

async function resets(place: LogPlace): Promise<void> {
  const { log } = await place.open();
  await log.append(batchOf(entriesOf(1, 1, 5, 20, members)));
  const entries = entriesOf(11, 4, 3);
  const reset = { index: 10, term: 3 };
  await log.append(batchOf([], { reset, commitIndex: 10 }));
  await log.append(batchOf(entries, { commitIndex: 10 }));
  const recovered = await mustHold(place, log, entries);
  mustEqual(recovered.precedingTerm, 3, 'the term that the log begins behind');
  mustEqual(recovered.commitIndex, 10, 'the commit index');
  mustEqual(recovered.membershipEntries, [], 'entries about members');
}

async function purges(place: LogPlace): Promise<void> {
  const { log } = await place.open();
  const entries: Entry[] = [];
  for (let first = 1; first <= 90; first += 3) {
    const more = entriesOf(first, first < 30 ? 1 : 2, 3, 12_000);
    entries.push(...more);
    await log.append(batchOf(more, { commitIndex: first + 2 }));
  }
  await log.purge(60, 2);
  mustEqual(textsOf(await readAll(log, 61, 90)), textsOf(entries.slice(60)), 'what must stay');
  const more = entriesOf(91, 2, 1);
  await log.append(batchOf(more, { commitIndex: 90 }));
  await log.close();
  const { log: again, recovered } = await place.open();
  const { firstIndex, lastIndex, precedingTerm } = recovered;
  mustEqual([firstIndex <= 61, lastIndex], [true, 91], 'where it begins and ends');
  const expected = [...entries, ...more].slice(firstIndex - 1);
  mustEqual(textsOf(await readAll(again, firstIndex, 91)), textsOf(expected), 'the entries');
  const preceding = firstIndex === 1 ? 0 : entries[firstIndex - 2]?.term;
  mustEqual(precedingTerm, preceding, 'the term before the first entry');
  await again.close();
}

async function purgesNothing(place: LogPlace): Promise<void> {
  const { log } = await place.open();
  await log.purge(0, 0);
  const entries = entriesOf(11, 2, 3);
  const reset = { index: 10, term: 2 };
  await log.append(batchOf(entries, { reset, commitIndex: 11 }));
  await log.purge(5, 1);
  await log.purge(10, 2);
  await mustHold(place, log, entries);
}

async function goesOnBehindPurge(place: LogPlace): Promise<void> {
  const { log } = await place.open();
  await log.append(batchOf(entriesOf(1, 1, 4), { commitIndex: 4 }));
  await log.purge(4, 1);
  const more = entriesOf(5, 2, 2);
  await log.append(batchOf(more, { commitIndex: 5 }));
  mustEqual(textsOf(await readAll(log, 5, 6)), textsOf(more), 'the entries behind it');
  await log.close();
  const { log: again, recovered } = await place.open();
  mustEqual(recovered.lastIndex, 6, 'the last index after a restart');
  mustEqual(textsOf(await readAll(again, 5, 6)), textsOf(more), 'the same after a restart');
  await again.close();
}

async function tellsWhatIsIn(place: LogPlace): Promise<void> {
  const { log } = await place.open();
  const about = entriesOf(2, 1, 1, 30, members);
  const last = entriesOf(3, 5, 2);
  const entries = [...entriesOf(1, 1, 1), ...about, ...last];
  await log.append(batchOf(entries));
  const { termStarts, membershipEntries, lastClusterTimeMs } = await mustHold(place, log, entries);
  const expected = [
    { index: 1, term: 1 },
    { index: 3, term: 5 },
  ];
  mustEqual(termStarts, expected, 'where terms begin');
  mustEqual(textsOf(membershipEntries), textsOf(about), 'entries about members');
  mustEqual(lastClusterTimeMs, last.at(-1)?.clusterTimeMs, 'the newest cluster time');
}

async function closesInOrder(place: LogPlace): Promise<void> {
  const { log } = await place.open();
  const entries = entriesOf(1, 1, 20, 400);
  const writes = entries.map((entry) => log.append(batchOf([entry])));
  await log.close();
  await Promise.all(writes);
  const again = await place.open();
  mustEqual(again.recovered.lastIndex, 20, 'the last index');
  await mustHold(place, again.log, entries);
}

async function knowsItsSize(place: LogPlace): Promise<void> {
  const { log } = await place.open();
  const before = log.bytes;
  await log.append(batchOf(entriesOf(1, 1, 10, 1_000)));
  mustEqual(log.bytes - before >= 10_000, true, 'that 10,000 bytes more are counted');
  await log.close();
}
