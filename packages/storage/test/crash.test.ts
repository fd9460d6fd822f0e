import type { Entry } from '@d-engine/base';
import { describe, expect, it } from 'vitest';
import { scaled } from '../../../tools/test-scale.ts';
import type { Storage } from '../src/contracts.ts';
import { CrashDisk, type CrashMode } from './crash-disk.ts';
import {
  clusterId,
  type Expectation,
  expectationOf,
  keyOf,
  Ledger,
  ModelLog,
  makeCrashEntries,
  openCrashStorage,
  Workload,
} from './crash-workload.ts';
import { readRange } from './fixtures.ts';
import { writeOf } from './storage-fixtures.ts';

/** Seconds of work, on machines that may do much else meanwhile. */
const timeoutMs = scaled({ gate: 180_000, long: 3_600_000 });
const tornSeeds = scaled({ gate: 3, long: 40 });
const modes: CrashMode[] = [
  { type: 'lost' },
  { type: 'kept' },
  { type: 'process' },
  ...Array.from({ length: tornSeeds }, (_, seed): CrashMode => ({ type: 'torn', seed })),
];

interface Crash {
  readonly disk: CrashDisk;
  readonly expectation: Expectation;
  /** False when the workload ended before the crash could come. */
  readonly happened: boolean;
}

async function crashWorkload(crashAt: number): Promise<Crash> {
  const disk = new CrashDisk();
  disk.crashAt = crashAt;
  const ledger = new Ledger();
  const ended = new Workload(disk, ledger).run().then(() => false);
  const happened = await Promise.race([ended, disk.crashed.then(() => true)]);
  return { disk, expectation: expectationOf(ledger), happened };
}

async function entriesOf(storage: Storage): Promise<Entry[]> {
  const { firstIndex, lastIndex } = storage.recovered;
  return readRange({ read: (...range) => storage.readEntries(...range) }, firstIndex, lastIndex);
}

/**
 * The newest snapshot is the last one that was reported, or one that was asked for since. One that
 * was installed has the log in step, wherever the crash came.
 */
function possibleLogsBeside(storage: Storage, { ledger, logs }: Expectation): ModelLog[] {
  const { snapshot } = storage.recovered;
  const { snapshots, snapshotsAcked } = ledger;
  const allowed = snapshots.slice(Math.max(snapshotsAcked - 1, 0));
  const found = allowed.findLast(({ index }) => index === snapshot?.index);
  if (snapshot === undefined) expect(snapshotsAcked).toBe(0);
  else expect(found).toMatchObject({ index: snapshot.index, term: snapshot.term });
  if (found?.isInstalled !== true) return [...logs];
  const inStep = logs.filter((log) => log.termAt(found.index) === found.term);
  return [...inStep, new ModelLog(found, [])];
}

/** Whether it is this log, from where it was purged. */
function isLog(storage: Storage, entries: readonly Entry[], log: ModelLog): boolean {
  const { firstIndex, precedingTerm, lastIndex } = storage.recovered;
  if (firstIndex <= log.follows.index || lastIndex !== log.lastIndex) return false;
  if (precedingTerm !== log.termAt(firstIndex - 1)) return false;
  return keyOf(entries) === keyOf(log.from(firstIndex));
}

/** Everything acknowledged is there, whole and in order, and nothing was invented. */
async function verify(storage: Storage, expectation: Expectation): Promise<void> {
  const { ledger, hardStates } = expectation;
  const { recovered, identity } = storage;
  const entries = await entriesOf(storage);
  const logs = possibleLogsBeside(storage, expectation);
  const snapshotIndex = recovered.snapshot?.index ?? 0;
  expect(recovered.firstIndex - 1).toBeLessThanOrEqual(snapshotIndex);
  expect(recovered.lastIndex).toBeGreaterThanOrEqual(snapshotIndex);
  if (!logs.some((log) => isLog(storage, entries, log))) {
    const found = entries.map(({ index, term }) => `${index}@${term}`).join(' ');
    throw new Error(`log after ${ledger.writesAcked} of ${ledger.writes.length}: ${found}`);
  }
  const lastTerm = entries.at(-1)?.term ?? recovered.precedingTerm;
  const states = hardStates.map((state) =>
    lastTerm > (state?.term ?? 0)
      ? { term: lastTerm, votedFor: null, stickinessMs: state?.stickinessMs ?? 0 }
      : state,
  );
  expect(states).toContainEqual(recovered.hardState);
  const committed = [0, ...ledger.writes.map(({ commitIndex }) => commitIndex)];
  const acked = committed.slice(0, ledger.writesAcked + 1);
  expect(recovered.commitIndex).toBeGreaterThanOrEqual(Math.max(...acked, snapshotIndex));
  expect(recovered.commitIndex).toBeLessThanOrEqual(Math.max(...committed, snapshotIndex));
  expect(recovered.commitIndex).toBeLessThanOrEqual(recovered.lastIndex);
  const snapshotTimeMs = recovered.snapshot?.clusterTimeMs ?? 0;
  const lastTimeMs = entries.at(-1)?.clusterTimeMs ?? 0;
  expect(recovered.lastClusterTimeMs).toBe(Math.max(lastTimeMs, snapshotTimeMs));
  expect(identity.bootCount).toBeGreaterThan(ledger.bootCount);
  if (ledger.instanceId !== undefined) expect(identity.instanceId).toBe(ledger.instanceId);
  const peerBoots = identity.peers.get(2)?.bootCount ?? 0;
  expect(peerBoots).toBeGreaterThanOrEqual(ledger.peerBoots[ledger.peerBootsAcked - 1] ?? 0);
  expect(peerBoots).toBeLessThanOrEqual(ledger.peerBoots.at(-1) ?? 0);
  if (ledger.clusterAcked) expect(identity.clusterId).toBe(clusterId);
  if (!ledger.clusterAsked) expect(identity.clusterId).toBe(null);
}

/** Goes on after the crash, loses power once more and expects the same log and the new writes. */
async function verifyGoesOn(storage: Storage, disk: CrashDisk, mode: CrashMode): Promise<void> {
  const before = await entriesOf(storage);
  const first = storage.recovered.lastIndex + 1;
  const term = (storage.recovered.hardState?.term ?? 0) + 1;
  const added = makeCrashEntries(first, term, [10, 600, 90]);
  const hardState = { term, votedFor: null, stickinessMs: 1000 };
  const { commitIndex } = storage.recovered;
  await storage.write(writeOf({ hardState, entries: added, commitIndex }));
  const again = await openCrashStorage(disk.restart(mode));
  // The start may have given back a file more.
  const purged = again.recovered.firstIndex - storage.recovered.firstIndex;
  expect(keyOf(await entriesOf(again))).toBe(keyOf([...before, ...added].slice(purged)));
  expect(again.recovered.hardState).toEqual(hardState);
  await again.close();
}

describe('a crash at every operation', () => {
  it(
    'keeps what was acknowledged and invents nothing',
    async ({ annotate }) => {
      let points = 0;
      let runs = 0;
      for (let crashAt = 1; ; crashAt++) {
        const { disk, expectation, happened } = await crashWorkload(crashAt);
        for (const mode of modes) {
          const after = disk.restart(mode);
          const storage = await openCrashStorage(after);
          await verify(storage, expectation);
          await verifyGoesOn(storage, after, mode);
          runs += 1;
        }
        if (!happened) break;
        points += 1;
      }
      await annotate(`${points} crash points, ${runs} recoveries`);
      expect(points).toBeGreaterThan(150);
    },
    timeoutMs,
  );

  it(
    'recovers from crashes of the recovery itself',
    async ({ annotate }) => {
      const secondModes: CrashMode[] = [{ type: 'lost' }, { type: 'torn', seed: 7 }];
      const stride = scaled({ gate: 3, long: 1 });
      let points = 0;
      for (let crashAt = 1; ; crashAt += stride) {
        const { disk, expectation, happened } = await crashWorkload(crashAt);
        if (!happened) break;
        for (const mode of [{ type: 'process' }, { type: 'torn', seed: crashAt }] as const) {
          for (let recoveryCrashAt = 1; ; recoveryCrashAt++) {
            const after = disk.restart(mode);
            after.crashAt = recoveryCrashAt;
            const opened = openCrashStorage(after).then(() => false);
            const crashedAgain = await Promise.race([opened, after.crashed.then(() => true)]);
            if (!crashedAgain) break;
            points += 1;
            for (const secondMode of secondModes) {
              const last = after.restart(secondMode);
              const storage = await openCrashStorage(last);
              await verify(storage, expectation);
            }
          }
        }
      }
      await annotate(`${points} crash points within a recovery`);
      expect(points).toBeGreaterThan(scaled({ gate: 1000, long: 10_000 }));
    },
    timeoutMs,
  );
});
