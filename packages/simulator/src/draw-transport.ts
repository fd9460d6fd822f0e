import { SeededRandom } from '@d-engine/virtual-env';
import type { NetworkOptions } from '@d-engine/wire';
import type { Scenario } from './scenario.ts';

/**
 * A run over bytes shows what one over messages shows, and the codec besides; it takes half as long
 * again, and only whole messages can be lost, repeated and reordered.
 */
const bytesShare = 1 / 3;

/**
 * How the processes of a run speak. It has a stream of draws of its own: which transport a seed
 * has changes nothing else about it.
 */
export function drawTransport(seed: number): Pick<Scenario, 'transport' | 'wire'> {
  const random = new SeededRandom(seed).fork('transport');
  const transport = random.chance(bytesShare) ? 'bytes' : 'messages';
  return { transport, wire: drawWire(random) };
}

/** What users may set, small now and then: then a run reaches the bounds that hold streams up. */
function drawWire(random: SeededRandom): NetworkOptions {
  const mebibyte = 1_048_576;
  const keepAliveMs = random.pick([1_000, 5_000, 5_000]);
  return {
    sendBufferBytes: random.pick([512, mebibyte, mebibyte]),
    keepAliveIntervalMs: keepAliveMs,
    keepAliveTimeoutMs: keepAliveMs,
    http2: {
      // A member and a client have no more than a few streams on a connection.
      maxConcurrentStreams: random.pick([2, 1_024]),
      streamWindowBytes: random.pick([256, 16_384, 65_535, 8 * mebibyte]),
      // The smallest that there is, which heartbeats use up in a run.
      connectionWindowBytes: random.pick([65_535, 65_535, 32 * mebibyte]),
      adaptiveWindow: random.chance(0.2),
      headerTableBytes: random.pick([0, 128, 4_096, 4_096]),
    },
  };
}
