import { expect, test } from 'vitest';
import type { CounterName } from '../src/counters.ts';
import type { FaultKind } from '../src/scenario.ts';
import { faultKinds } from '../src/scenario.ts';
import { simulate } from '../src/simulate.ts';
import { quietScenario } from './three-members.ts';

/**
 * What shows in the members or clients that a fault did something, beside its own counter. Null: it
 * only changes how long things take, or what a clock says, and its counter counts what met it.
 */
const traces: Readonly<Record<FaultKind, CounterName | null>> = {
  kill: 'operations of a process that died',
  powerLoss: 'directory changes lost',
  powerLossOfAll: 'unsynced writes lost',
  gracefulStop: 'leadership handed over',
  transfer: 'transfers by leaders that went on',
  pause: 'event loop stalls noticed',
  stall: 'event loop stalls noticed',
  suspend: 'event loop stalls noticed',
  wallJump: null,
  clockRate: null,
  partition: 'pre-votes refused',
  bridge: 'check-quorum step-downs',
  isolateLeader: 'check-quorum step-downs',
  oneWayCut: 'check-quorum step-downs',
  oneWayPartition: 'check-quorum step-downs',
  clog: 'check-quorum step-downs',
  reset: 'connections lost',
  forgottenPromise: 'leader changes',
  slowDisk: null,
  stalledDisk: null,
  fullDisk: 'members stopped by a full disk',
  failingDisk: 'members stopped by a disk error',
  rottenLog: 'damaged logs refused',
  rottenVote: 'damaged votes survived',
  rottenSpace: 'torn tails cut',
  wipedDisk: 'wiped members refused',
  killVoter: 'leader changes',
  cutClient: 'answers past a cut link of the client',
  cutClientOff: 'outcomes unknown behind a cut link',
  cutClientOneWay: 'outcomes unknown behind a cut link',
};

test.each(faultKinds)('%s: inflicted alone, it does harm and breaks nothing', async (kind) => {
  const scenario = {
    ...quietScenario(6),
    members: 3,
    clients: 4,
    networkClients: 2,
    intervalMsMax: 60,
    keys: 3,
    segmentBytes: 8 * 1024,
    faults: [kind],
    faultIntervalMsMax: 500,
    quietFormation: true,
  };
  // Of three members one may lose its disk, once the cluster has settled.
  const timesMin = kind === 'wipedDisk' ? 1 : 2;
  const { violations, counts } = await simulate(6, { scenario, durationMs: 20_000 });
  expect(violations).toEqual([]);
  expect(counts[`fault: ${kind}`]).toBeGreaterThanOrEqual(timesMin);
  const trace = traces[kind];
  if (trace !== null) expect(counts[trace], trace).toBeGreaterThan(0);
});
