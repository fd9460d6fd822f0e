import type { SnapshotStore } from '../contracts.ts';
import type { SnapshotHeader, SnapshotSection } from '../snapshot-format.ts';
import { snapshotSectionKinds } from '../snapshot-format.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { casesOf, mustEqual, mustReject, pairCasesOf } from './conformance-case.ts';

/** An empty place for snapshots: each `open` after the first finds what is there, as a restart. */
export interface SnapshotPlace {
  readonly open: () => Promise<SnapshotStore>;
}

/** What every snapshot store must do, as cases for any test runner. */
export function snapshotStoreConformance(
  create: () => SnapshotPlace | Promise<SnapshotPlace>,
): ConformanceCase[] {
  const alone = casesOf(create, [
    ['is empty at first and keeps what was written over a restart', keepsWhatWasWritten],
    ['has the newest as its latest and refuses one that is not newer', knowsTheNewest],
    ['leaves nothing of a snapshot whose sections fail', leavesNothing],
    ['keeps what is being read when older ones are removed', pins],
  ]);
  const paired = pairCasesOf(create, [
    ['takes the file of another in pieces, over broken transfers', receives],
    ['refuses a file in which something changed, and takes it again', refusesDamage],
  ]);
  return [...alone, ...paired];
}

function headerAt(index: number): SnapshotHeader {
  return { clusterId: 'c'.repeat(32), formedAtWallMs: 1, index, term: 2 };
}

function sectionsOf(text: string): SnapshotSection[] {
  const nobody: readonly number[] = [];
  const others = { outgoingVoters: nobody, learners: nobody, nextLearners: nobody, members: [] };
  const { configuration, history, clusterTime, data } = snapshotSectionKinds;
  return [
    {
      kind: configuration,
      configuration: { voters: [1], ...others, autoLeave: false },
      configurationIndex: 1,
      bindings: [],
    },
    { kind: history, historyId: 'd'.repeat(32), revisionBase: 0, stateHash: '0123456789abcdef' },
    { kind: clusterTime, clusterTimeMs: 5 },
    { kind: data, keyCount: 1, run: Buffer.from(text) },
    { kind: data, keyCount: 2, run: Buffer.from(text.repeat(100)) },
  ];
}

async function textsOf(store: SnapshotStore): Promise<string[]> {
  const texts: string[] = [];
  for await (const section of store.read()) {
    if (section.kind === snapshotSectionKinds.data) texts.push(Buffer.from(section.run).toString());
  }
  return texts;
}

async function keepsWhatWasWritten(place: SnapshotPlace): Promise<void> {
  const store = await place.open();
  mustEqual(store.latest, null, 'the latest of an empty store');
  const info = await store.write(headerAt(5), sectionsOf('text'));
  mustEqual(info.keyCount, 3, 'the number of keys');
  await store.close();
  const again = await place.open();
  mustEqual(again.latest, info, 'the latest after a restart');
  mustEqual(await textsOf(again), ['text', 'text'.repeat(100)], 'the data after a restart');
  await again.close();
}

async function knowsTheNewest(place: SnapshotPlace): Promise<void> {
  const store = await place.open();
  for (const index of [5, 40, 300]) await store.write(headerAt(index), sectionsOf(`${index}`));
  mustEqual(store.latest?.header.index, 300, 'the latest');
  await mustReject(() => store.write(headerAt(300), sectionsOf('x')), 'a snapshot not newer');
  await store.removeOlder(1);
  await store.close();
  const again = await place.open();
  mustEqual(again.latest?.header.index, 300, 'the latest after a restart');
  mustEqual((await textsOf(again))[0], '300', 'its data');
  await again.close();
}

async function leavesNothing(place: SnapshotPlace): Promise<void> {
  const store = await place.open();
  async function* failing(): AsyncGenerator<SnapshotSection> {
    yield* sectionsOf('x').slice(0, 4);
    throw new Error('the view failed');
  }
  await mustReject(() => store.write(headerAt(5), failing()), 'a snapshot whose sections fail');
  mustEqual(store.latest, null, 'the latest after it');
  await store.write(headerAt(5), sectionsOf('text'));
  await store.close();
}

async function pins(place: SnapshotPlace): Promise<void> {
  const store = await place.open();
  const { lengthBytes } = await store.write(headerAt(5), sectionsOf('old'));
  const reader = await store.open();
  await store.write(headerAt(6), sectionsOf('new'));
  await store.removeOlder(1);
  mustEqual(reader.info.header.index, 5, 'what is read');
  mustEqual((await reader.read(0, lengthBytes + 9)).length, lengthBytes, 'its length');
  await reader.close();
  mustEqual((await textsOf(store))[0], 'new', 'the newest');
  await store.close();
}

async function receives(from: SnapshotPlace, to: SnapshotPlace): Promise<void> {
  const sender = await from.open();
  const receiver = await to.open();
  const info = await sender.write(headerAt(9), sectionsOf('sent'));
  const reader = await sender.open();
  const pieceBytes = Math.ceil(info.lengthBytes / 5);
  for (let at = 0; at < info.lengthBytes; at += pieceBytes) {
    const arriving = await receiver.receive(info.header, info.lengthBytes, info.sha256);
    mustEqual(arriving.offset, at, 'where a transfer goes on');
    await arriving.write(await reader.read(at, pieceBytes));
    mustEqual(receiver.latest, null, 'the latest before all is there');
  }
  await reader.close();
  const arriving = await receiver.receive(info.header, info.lengthBytes, info.sha256);
  mustEqual(await arriving.finish(), info, 'what arrived');
  await sender.close();
  await receiver.close();
  const again = await to.open();
  mustEqual(again.latest, info, 'the latest after a restart');
  mustEqual((await textsOf(again))[0], 'sent', 'its data');
  await again.close();
}

async function refusesDamage(from: SnapshotPlace, to: SnapshotPlace): Promise<void> {
  const sender = await from.open();
  const receiver = await to.open();
  const info = await sender.write(headerAt(9), sectionsOf('sent'));
  const reader = await sender.open();
  const bytes = Buffer.from(await reader.read(0, info.lengthBytes));
  await reader.close();
  const changed = Buffer.from(bytes);
  const middle = changed.length >> 1;
  changed[middle] = (changed[middle] ?? 0) ^ 1;
  for (const wrong of [changed, bytes.subarray(0, -1)]) {
    const arriving = await receiver.receive(info.header, info.lengthBytes, info.sha256);
    await arriving.write(wrong);
    await mustReject(() => arriving.finish(), 'a snapshot that is not what was announced');
    mustEqual(receiver.latest, null, 'the latest after it');
  }
  const arriving = await receiver.receive(info.header, info.lengthBytes, info.sha256);
  await arriving.write(bytes);
  mustEqual(await arriving.finish(), info, 'what arrived at last');
  await sender.close();
  await receiver.close();
}
