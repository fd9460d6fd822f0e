import type { WorldOptions } from '@d-engine/virtual-env';
import { drawOptions, SeededRandom } from '@d-engine/virtual-env';
import type { Persistence, Strategies } from './draw-persistence.ts';
import { drawPersistence } from './draw-persistence.ts';
import { drawSnapshots } from './draw-snapshots.ts';
import { drawTransport } from './draw-transport.ts';
import { drawUpkeep, drawVariety, segmentBytesFor, withWindowsFor } from './draw-variety.ts';
import { drawWatches } from './draw-watches.ts';
import { applyPreset } from './presets.ts';
import type { FaultKind, OperationMix, Scenario } from './scenario.ts';
import { earlyFaultKinds } from './scenario.ts';

/** What a run is for, virtual. */
export const durationMsDefault = 60_000;

/** Three and five are what people run; the others find the edges. */
const memberCounts = [1, 2, 3, 3, 3, 3, 3, 3, 4, 5, 5, 5, 6, 7] as const;

/** Operations that the clients ask for in a run, if nothing holds them up. */
const operationTargets = [650, 800, 1_100] as const;

/**
 * Two clocks of one cluster may part by 10% of an election timeout within one (docs/guarantees.md):
 * each of them takes less than half of that.
 */
export const clockRateDeviationMax = 0.04;

/** Swarm testing: each seed picks another mix, so that no fault always hides another. */
export function drawScenario(seed: number, members?: number, told?: Strategies): Scenario {
  const random = new SeededRandom(seed).fork('scenario');
  const electionTimeoutMinMs = random.pick([200, 400, 600, 800, 1_000]);
  const clients = random.pick([4, 6, 8]);
  const target = random.pick(operationTargets);
  const { lateFaults, valueBytes, limits } = drawVariety(seed);
  const persistence = drawPersistence(seed, told);
  const narrow: Scenario = {
    seed,
    world: drawWorld(seed, random),
    ...drawTransport(seed),
    members: members ?? random.pick(memberCounts),
    clients,
    keys: random.pick([1, 3, 10]),
    electionTimeoutMinMs,
    heartbeatIntervalMs: electionTimeoutMinMs / random.pick([4, 5, 8]),
    leaseDurationMs: random.pick([0.5, 1]) * leaseMax(electionTimeoutMinMs),
    // With small ones the log moves from file to file all the time: seed 630010 found a bug there.
    segmentBytes: segmentBytesFor(valueBytes, random.pick([8, 8, 64, 1_024]) * 1_024),
    valueBytes,
    limits,
    upkeep: drawUpkeep(seed),
    snapshots: drawSnapshots(seed, valueBytes),
    persistence,
    watch: drawWatches(seed),
    intervalMsMax: (2 * durationMsDefault * clients) / target,
    mix: drawMix(random),
    networkClients: random.pick([0, clients / 2, clients]),
    faultIntervalMsMax: faultIntervalOf(persistence, random.pick([2_000, 4_000, 10_000])),
    faults: [...drawFaults(random), ...lateFaults],
    quietFormation: random.chance(0.7),
    recoveryCrashShare: random.pick([0, 0, 0.3]),
    voteTrap: false,
  };
  const drawn = withWindowsFor(narrow, target / durationMsDefault);
  if (members !== undefined) return drawn;
  // A few runs are about one thing, so that it happens often enough to go wrong.
  const focus = random.pick(['swarm', 'swarm', 'swarm', 'swarm', 'swarm', 'swarm', 'focus']);
  if (focus === 'swarm') return drawn;
  return applyPreset(drawn, random.pick(['durability', 'votes', 'leases']));
}

/** Clients wait longer for members that acknowledge from memory: often all have to be up. */
function faultIntervalOf({ strategies }: Persistence, drawnMs: number): number {
  return strategies === 'DiskFirst' ? drawnMs : 2 * drawnMs;
}

/** They came when seeds had been found: drawn apart, they leave the other draws what they were. */
const drawnApart: Readonly<Partial<Record<FaultKind, string>>> = {
  transfer: 'transfer',
  wipedDisk: 'wiped disk',
};

function drawFaults(random: SeededRandom): FaultKind[] {
  return earlyFaultKinds.filter((kind) => {
    const label = drawnApart[kind];
    return (label === undefined ? random : random.fork(label)).chance(0.4);
  });
}

function drawMix(random: SeededRandom): OperationMix {
  return {
    reads: random.pick([0.3, 0.5, 0.7]),
    leaseReads: random.pick([0.2, 0.5]),
    eventualReads: random.pick([0, 0.2]),
    deletes: random.pick([0, 0.1, 0.2]),
    swaps: random.pick([0, 0.2, 0.5]),
  };
}

function drawWorld(seed: number, random: SeededRandom): WorldOptions {
  const drawn = drawOptions(seed);
  const unreliableStreams = random.chance(0.25)
    ? {
        methodPrefix: 'd_engine.peer.v1.PeerService/',
        lossProbability: random.pick([0, 0.001, 0.02]),
        duplicateProbability: random.pick([0, 0.01]),
        reorderProbability: random.pick([0, 0.01]),
      }
    : null;
  return {
    ...drawn,
    clock: { ...drawn.clock, driftMax: random.pick([0, 0.001, clockRateDeviationMax]) },
    network: { ...drawn.network, unreliableStreams },
  };
}

/** The margin that keeps a lease inside the voters' promise (design rule 4). */
function leaseMax(electionTimeoutMinMs: number): number {
  return electionTimeoutMinMs - Math.max(electionTimeoutMinMs / 10, 50);
}
