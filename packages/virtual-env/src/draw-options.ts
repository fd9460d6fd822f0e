import type {
  ByteStreamOptions,
  DiskOptions,
  NetworkOptions,
  Range,
  WorldOptions,
} from './options.ts';
import { defaultWorldOptions } from './options.ts';
import { SeededRandom } from './seeded-random.ts';

/**
 * Swarm testing: every seed gets another world. Each trait is often off, so that combinations
 * appear in which one fault is not masked by all others.
 * Message loss without a reset is never drawn: a protocol over TCP may rely on its absence, so a
 * test asks for it by name.
 */
export function drawOptions(seed: number | string): WorldOptions {
  const random = new SeededRandom(seed).fork('options');
  const defaults = defaultWorldOptions;
  const loopStalls = random.chance(0.3);
  return {
    ...defaults,
    clock: {
      driftMax: random.pick([0, 0.0002, 0.001, 0.02]),
      wallOffsetMsMax: random.pick([0, 5, 500, 3_600_000]),
      timerLatenessMs: { min: 0, max: random.pick([0, 1, 1, 15]) },
    },
    schedule: {
      afterPollDelayMs: { min: 0, max: random.pick([0, 0.05, 0.05, 1]) },
      stallProbability: loopStalls ? random.pick([0.0001, 0.001, 0.01]) : 0,
      stallMs: { min: 1, max: random.pick([10, 50, 400]) },
    },
    compute: {
      delayMs: { min: 0.05, max: random.pick([0.1, 1, 10]) },
      delayMsPerMebibyte: random.pick([5, 20, 100]),
    },
    disk: drawDisk(random.fork('disk'), defaults.disk),
    network: drawNetwork(random.fork('network'), defaults.network),
  };
}

function drawDisk(random: SeededRandom, defaults: DiskOptions): DiskOptions {
  const slowness = random.pick([0.2, 1, 1, 5]);
  return {
    ...defaults,
    readMs: scaled(defaults.readMs, slowness),
    writeMs: scaled(defaults.writeMs, slowness),
    syncMs: scaled(defaults.syncMs, slowness * random.pick([0.1, 1, 1, 5])),
    metadataMs: scaled(defaults.metadataMs, slowness),
  };
}

function drawNetwork(random: SeededRandom, defaults: NetworkOptions): NetworkOptions {
  const resetsAtRandom = random.chance(0.25);
  return {
    ...defaults,
    latencyMs: random.pick([
      { min: 0.1, max: 0.5 },
      { min: 0.05, max: 0.1 },
      { min: 0.5, max: 10 },
      { min: 20, max: 60 },
    ]),
    bytesPerMs: random.pick([1_000_000, 1_000_000, 100_000, 10_000]),
    connectTimeoutMs: random.pick([500, 2_000, 2_000, 5_000]),
    resetAfterMs: random.pick([
      { min: 500, max: 1_000 },
      { min: 2_000, max: 6_000 },
      { min: 10_000, max: 30_000 },
    ]),
    resetProbability: resetsAtRandom ? random.pick([0.00001, 0.0001, 0.001]) : 0,
    streamWindowBytes: random.pick([16, 64, 256, 256]) * 1024,
    byteStreams: drawByteStreams(random.fork('byte streams'), defaults.byteStreams),
  };
}

function drawByteStreams(random: SeededRandom, defaults: ByteStreamOptions): ByteStreamOptions {
  const losesPieces = random.chance(0.25);
  return {
    ...defaults,
    sendBufferBytes: random.pick([0, 1, 16, 64]) * 1024,
    // Cutting every write makes a run four times as long, and shows no more.
    splitProbability: random.pick([0, 0.05, 0.2, 0.4]),
    coalesceProbability: random.pick([0, 0.2, 0.9]),
    lossProbability: losesPieces ? random.pick([0.0001, 0.001, 0.01]) : 0,
    // Small ones hold writers up where a link is slow or a reader stands still.
    windowBytes: random.pick([1, 4, 64, 256]) * 1024,
  };
}

function scaled(range: Range, factor: number): Range {
  return { min: range.min * factor, max: range.max * factor };
}
