import type { WorldOptions } from '@d-engine/virtual-env';
import type { NetworkOptions } from '@d-engine/wire';

/** Everything that a run's seed decides. */
export interface Scenario {
  readonly seed: number;
  readonly world: WorldOptions;
  /** How members and clients speak to one another. */
  readonly transport: Transport;
  /** Of the codec; nothing where whole messages are sent. */
  readonly wire: NetworkOptions;
  readonly members: number;
  readonly clients: number;
  readonly keys: number;
  readonly electionTimeoutMinMs: number;
  readonly heartbeatIntervalMs: number;
  readonly leaseDurationMs: number;
  readonly segmentBytes: number;
  /** From the beginning of an operation of a client to that of its next one, at most. */
  readonly intervalMsMax: number;
  readonly mix: OperationMix;
  /** So many of the clients are the real one on hosts of their own; the others are embedded. */
  readonly networkClients: number;
  /** Time between two faults, at most. */
  readonly faultIntervalMsMax: number;
  readonly faults: readonly FaultKind[];
  /** Faults wait until the cluster has formed with all members. */
  readonly quietFormation: boolean;
  /** How likely a member that starts again under faults crashes before it serves. */
  readonly recoveryCrashShare: number;
  /** See {@link VoteTrap}: a sequence of faults that random ones hardly ever make. */
  readonly voteTrap: boolean;
}

/** Whole messages, as the codec hands them on, or the bytes that it makes of them. */
export const transports = ['messages', 'bytes'] as const;
export type Transport = (typeof transports)[number];

/** What clients do; each a share between 0 and 1. */
export interface OperationMix {
  readonly reads: number;
  /** Of the reads; the rest are linearizable. */
  readonly leaseReads: number;
  readonly eventualReads: number;
  /** Of the writes; the rest are puts. */
  readonly deletes: number;
  readonly swaps: number;
}

export const faultKinds = [
  // Processes and machines.
  'kill',
  'powerLoss',
  'powerLossOfAll',
  'gracefulStop',
  'transfer',
  'pause',
  'stall',
  'suspend',
  'wallJump',
  'clockRate',
  // Network.
  'partition',
  'bridge',
  'isolateLeader',
  'oneWayCut',
  'oneWayPartition',
  'clog',
  'reset',
  'forgottenPromise',
  // Disks.
  'slowDisk',
  'stalledDisk',
  'fullDisk',
  'failingDisk',
  'rottenLog',
  'rottenVote',
  'rottenSpace',
  'wipedDisk',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** Mixes of faults that bring out one kind of bug sooner than the whole swarm does. */
export const presets = ['swarm', 'durability', 'votes', 'leases'] as const;
export type Preset = (typeof presets)[number];
