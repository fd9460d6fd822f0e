import type { NodeSettings } from '@d-engine/node';
import type { WorldOptions } from '@d-engine/virtual-env';
import type { NetworkOptions } from '@d-engine/wire';
import type { Persistence } from './draw-persistence.ts';
import type { WatchScenario } from './draw-watches.ts';

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
  /** A client picks one of these lengths for each value; as short as they come when empty or 0. */
  readonly valueBytes: readonly number[];
  readonly limits: Limits;
  readonly upkeep: Upkeep;
  readonly snapshots: NodeSettings['snapshots'];
  readonly persistence: Persistence;
  readonly watch: WatchScenario;
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

/** Of the settings of a member, those that say how much goes at once, and how much may wait. */
export type Limits = Pick<
  NodeSettings,
  'appendEntriesMax' | 'proposalBatchMax' | 'pendingWritesMax' | 'pendingReadsMax' | 'valueBytesMax'
>;

/** What members do of themselves while clients write. */
export type Upkeep = Pick<NodeSettings, 'stateVerificationIntervalMs'>;

/** A write is refused by a full queue, and by a log of which too much is in memory only. */
export function limitsOfWaiting({ limits, persistence }: Scenario): Limits {
  const { bufferedEntriesMax } = persistence;
  return { ...limits, pendingWritesMax: Math.min(limits.pendingWritesMax, bufferedEntriesMax) };
}

/** More than one entry of such a run takes in the log with its header: a swap has two values. */
export function entryBytesMax({ valueBytes }: Scenario): number {
  return 1_024 + 2 * Math.max(0, ...valueBytes);
}

/** Each has a host of its own of that name. */
export function networkClientNames({ networkClients }: Scenario): readonly string[] {
  return Array.from({ length: networkClients }, (_, position) => clientName(position));
}

export function clientName(position: number): string {
  return `c${position}`;
}

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

/**
 * The kinds that the nemesis always had. Those that came later have draws of their own, so that
 * half of the seeds still play what they played before.
 */
export const earlyFaultKinds = [
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

export const lateFaultKinds = [
  'killVoter',
  'cutClient',
  'cutClientOff',
  'cutClientOneWay',
] as const;

export const faultKinds: readonly FaultKind[] = [...earlyFaultKinds, ...lateFaultKinds];
export type FaultKind = (typeof earlyFaultKinds | typeof lateFaultKinds)[number];

/** Mixes of faults that bring out one kind of bug sooner than the whole swarm does. */
export const presets = ['swarm', 'durability', 'votes', 'leases'] as const;
export type Preset = (typeof presets)[number];
