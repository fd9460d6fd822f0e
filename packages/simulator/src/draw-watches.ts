import type { NodeSettings } from '@d-engine/node';
import { SeededRandom } from '@d-engine/virtual-env';

export interface WatchScenario {
  readonly settings: NodeSettings['watch'];
  /** Watchers of the run, in members and over the network; 0: none. */
  readonly watchers: number;
}

/** As users have it. */
const roomy: NodeSettings['watch'] = {
  ringEventsMax: 10_240,
  ringBytesMax: 67_108_864,
  watcherEventsMax: 4_096,
  watchersMax: 1_000,
  progressIntervalMs: 1_000,
  lagMeasured: false,
};

/**
 * Half of the runs have watchers, often with so little room that they are canceled or have to read
 * the state anew. They have draws of their own: the other seeds play what they played.
 */
export function drawWatches(seed: number): WatchScenario {
  const random = new SeededRandom(seed).fork('watches');
  if (random.chance(0.5)) return { settings: roomy, watchers: 0 };
  return {
    settings: {
      ...roomy,
      ringEventsMax: random.pick([1, 5, 30, 10_240]),
      ringBytesMax: random.pick([2_000, 67_108_864, 67_108_864]),
      watcherEventsMax: random.pick([1, 4, 4_096]),
      progressIntervalMs: random.pick([200, 1_000]),
    },
    watchers: random.pick([2, 4, 6]),
  };
}
