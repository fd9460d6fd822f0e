import { SeededRandom } from '@d-engine/virtual-env';
import type { FaultKind, Limits, Scenario, Upkeep } from './scenario.ts';
import { lateFaultKinds } from './scenario.ts';

/** What the draws of a scenario leave as it always was in half of the runs. */
export interface Variety {
  readonly lateFaults: readonly FaultKind[];
  readonly valueBytes: readonly number[];
  readonly limits: Limits;
}

/** As much as no run needs. */
export const roomyLimits: Limits = {
  appendEntriesMax: 100,
  proposalBatchMax: 100,
  pendingWritesMax: 1_000,
  pendingReadsMax: 1_000,
  valueBytesMax: 65_536,
};

const plain: Variety = { lateFaults: [], valueBytes: [], limits: roomyLimits };

/** Short ones, more than a sector of a disk, and many sectors: a mixed log has records of all. */
const valueMixes = [[], [], [600], [0, 0, 600, 5_000], [0, 0, 0, 5_000], [5_000]] as const;

/**
 * Long values, narrow limits and the kinds of faults that came last. They have a stream of draws of
 * their own, and half of the runs have none of them: these seeds go on to play what they played.
 */
export function drawVariety(seed: number): Variety {
  const random = new SeededRandom(seed).fork('variety');
  if (random.chance(0.5)) return plain;
  const valueBytes = random.pick(valueMixes);
  const lateFaults = lateFaultKinds.filter(() => random.chance(0.6));
  const { pendingWritesMax, pendingReadsMax, valueBytesMax } = roomyLimits;
  const limits = {
    appendEntriesMax: random.pick([1, 2, 7, 100]),
    proposalBatchMax: random.pick([1, 2, 100]),
    // Clients of members that take no more are refused much of what they ask: not in many runs.
    pendingWritesMax: random.pick([1, 2, ...Array<number>(4).fill(pendingWritesMax)]),
    pendingReadsMax: random.pick([1, 2, ...Array<number>(4).fill(pendingReadsMax)]),
    // Then some are too long by a byte.
    valueBytesMax:
      random.chance(0.5) && valueBytes.length > 0 ? Math.max(...valueBytes) : valueBytesMax,
  };
  return { lateFaults, valueBytes, limits };
}

/** So many times what clients ask for on average: bursts, and members that catch up. */
const bandwidthFactor = 4;
/** Of what goes one way for each window; writes are cut in two or three. */
const lossyPieces = 3;

/**
 * The same with windows of flow control that carry what the clients write: with values of many
 * times the window, a long way would make each of them wait for more than its deadline.
 */
export function withWindowsFor<Drawn extends Pick<Scenario, 'world' | 'wire' | 'valueBytes'>>(
  drawn: Drawn,
  operationsPerMs: number,
): Drawn {
  const { world, wire, valueBytes } = drawn;
  const { network } = world;
  const bytesPerMs = bandwidthFactor * operationsPerMs * Math.max(0, ...valueBytes);
  const { lossProbability, retransmitMs } = network.byteStreams;
  // There and back, now and then with a piece that had to be sent again.
  const tripMs = network.latencyMs.max + lossyPieces * lossProbability * retransmitMs.max;
  const leastBytes = Math.ceil(2 * tripMs * bytesPerMs);
  const widened = (windowBytes: number): number => Math.max(windowBytes, leastBytes);
  const byteStreams = {
    ...network.byteStreams,
    windowBytes: widened(network.byteStreams.windowBytes),
  };
  const streamWindowBytes = widened(network.streamWindowBytes);
  const { http2 = {} } = wire;
  const { streamWindowBytes: http2WindowBytes } = http2;
  return {
    ...drawn,
    world: { ...world, network: { ...network, streamWindowBytes, byteStreams } },
    wire:
      http2WindowBytes === undefined
        ? wire
        : { ...wire, http2: { ...http2, streamWindowBytes: widened(http2WindowBytes) } },
  };
}

/** A log file has room for a swap of two such values, and for more. */
export function segmentBytesFor(valueBytes: readonly number[], drawnBytes: number): number {
  return Math.max(drawnBytes, Math.max(0, ...valueBytes) > 1_000 ? 16 * 1_024 : 0);
}

/** Drawn apart from all else: in two of three runs nothing is compared. */
export function drawUpkeep(seed: number): Upkeep {
  const random = new SeededRandom(seed).fork('upkeep');
  return { stateVerificationIntervalMs: random.pick([0, 0, 0, 0, 1_000, 5_000]) };
}
