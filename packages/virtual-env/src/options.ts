import type { DrainMode } from './drain.ts';

/** Drawn evenly from min (included) to max. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

export interface ClockOptions {
  /** Each host's monotonic clock runs up to this fraction faster or slower than virtual time. */
  readonly driftMax: number;
  /** Each host's wall clock starts up to this far from the true time. */
  readonly wallOffsetMsMax: number;
  /** How much later than asked a timer fires. */
  readonly timerLatenessMs: Range;
}

export interface ScheduleOptions {
  /** What passes between two rounds of the event loop. */
  readonly afterPollDelayMs: Range;
  /** Chance per round that the loop then stands still, as in a garbage collection. */
  readonly stallProbability: number;
  readonly stallMs: Range;
}

export interface ComputeOptions {
  readonly delayMs: Range;
  readonly delayMsPerMebibyte: number;
}

export interface DiskOptions {
  readonly readMs: Range;
  readonly writeMs: Range;
  readonly syncMs: Range;
  /** Opening, listing, renaming and the like. */
  readonly metadataMs: Range;
  /** Throughput of reads and writes. */
  readonly bytesPerMs: number;
  /** Files may not take more together; what goes over fails with `full`. */
  readonly capacityBytes: number;
  /**
   * True: a new directory survives a power loss at once. False, as POSIX has it: only after the
   * directory above it was synced, and with it everything inside.
   */
  readonly newDirectoriesDurable: boolean;
}

/** What a message-level adversary does to chosen streams: no TCP would, a buggy proxy might. */
export interface UnreliableStreams {
  /** Streams whose method starts with this. */
  readonly methodPrefix: string;
  readonly lossProbability: number;
  readonly duplicateProbability: number;
  readonly reorderProbability: number;
}

/** What becomes of bytes on their way. TCP promises their order, and nothing about their pieces. */
export interface ByteStreamOptions {
  /** What the kernels of both hosts hold: on its way, or unread. */
  readonly windowBytes: number;
  /** Bytes that the process queues beyond the window before `write` turns false. */
  readonly sendBufferBytes: number;
  /** Chance per write that it is cut: once anywhere, several times, or into single bytes. */
  readonly splitProbability: number;
  /** Chance per arrival that it waits, and is read together with what comes meanwhile. */
  readonly coalesceProbability: number;
  /** Chance per piece that it is lost on the way and sent again; all that follows waits for it. */
  readonly lossProbability: number;
  readonly retransmitMs: Range;
}

export interface NetworkOptions {
  /** One way between two hosts; drawn per message. */
  readonly latencyMs: Range;
  /** From a host to itself. */
  readonly loopbackLatencyMs: Range;
  readonly bytesPerMs: number;
  /** Time until a connect that nobody answers is given up, unless the channel says otherwise. */
  readonly connectTimeoutMs: number;
  /** How long a connection over a cut link stands still before a side gives it up. */
  readonly resetAfterMs: Range;
  /** Chance per message, or per write of bytes, that its connection breaks. */
  readonly resetProbability: number;
  /** Bytes on their way or unread at which `send` of a stream of messages turns false. */
  readonly streamWindowBytes: number;
  readonly unreliableStreams: UnreliableStreams | null;
  readonly byteStreams: ByteStreamOptions;
}

/** Everything about a world that its seed leaves open. */
export interface WorldOptions {
  readonly drain: DrainMode;
  /** The time of day at virtual time 0. */
  readonly startWallMs: number;
  readonly clock: ClockOptions;
  readonly schedule: ScheduleOptions;
  readonly compute: ComputeOptions;
  readonly disk: DiskOptions;
  readonly network: NetworkOptions;
}

/** A quiet data centre: nothing fails unless a test makes it. */
export const defaultWorldOptions: WorldOptions = Object.freeze({
  drain: 'tick',
  // 2030-01-01T00:00:00Z: written out, because Date is banned here like every way past `Env`.
  startWallMs: 1_893_456_000_000,
  clock: { driftMax: 0.0002, wallOffsetMsMax: 5, timerLatenessMs: { min: 0, max: 1 } },
  schedule: {
    afterPollDelayMs: { min: 0.005, max: 0.05 },
    stallProbability: 0,
    stallMs: { min: 1, max: 20 },
  },
  compute: { delayMs: { min: 0.05, max: 0.5 }, delayMsPerMebibyte: 20 },
  disk: {
    readMs: { min: 0.05, max: 0.3 },
    writeMs: { min: 0.02, max: 0.2 },
    syncMs: { min: 0.2, max: 2 },
    metadataMs: { min: 0.02, max: 0.2 },
    bytesPerMs: 1_000_000,
    capacityBytes: 2 ** 40,
    newDirectoriesDurable: false,
  },
  network: {
    latencyMs: { min: 0.1, max: 0.5 },
    loopbackLatencyMs: { min: 0.02, max: 0.05 },
    bytesPerMs: 1_000_000,
    connectTimeoutMs: 2_000,
    resetAfterMs: { min: 2_000, max: 6_000 },
    resetProbability: 0,
    streamWindowBytes: 256 * 1024,
    unreliableStreams: null,
    byteStreams: {
      windowBytes: 256 * 1024,
      sendBufferBytes: 16 * 1024,
      splitProbability: 0.05,
      coalesceProbability: 0.2,
      lossProbability: 0,
      retransmitMs: { min: 200, max: 400 },
    },
  },
} satisfies WorldOptions);

/** What a test may say: any part of the options; the rest are the defaults. */
export interface WorldOverrides {
  readonly drain?: DrainMode;
  readonly startWallMs?: number;
  readonly clock?: Partial<ClockOptions>;
  readonly schedule?: Partial<ScheduleOptions>;
  readonly compute?: Partial<ComputeOptions>;
  readonly disk?: Partial<DiskOptions>;
  readonly network?: Partial<NetworkOptions>;
}

export function completeOptions(overrides: WorldOverrides): WorldOptions {
  const defaults = defaultWorldOptions;
  return {
    drain: overrides.drain ?? defaults.drain,
    startWallMs: overrides.startWallMs ?? defaults.startWallMs,
    clock: { ...defaults.clock, ...overrides.clock },
    schedule: { ...defaults.schedule, ...overrides.schedule },
    compute: { ...defaults.compute, ...overrides.compute },
    disk: { ...defaults.disk, ...overrides.disk },
    network: { ...defaults.network, ...overrides.network },
  };
}
