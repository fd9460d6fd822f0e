import { expect, test } from 'vitest';
import { livenessBounds } from '../src/liveness-bounds.ts';
import type { Scenario } from '../src/scenario.ts';
import { quietScenario } from './three-members.ts';

function settledMs(streamWindowBytes: number, changes: Partial<Scenario>): number {
  const quiet = quietScenario(1);
  const network = { ...quiet.world.network, latencyMs: { min: 20, max: 60 } };
  const wire = { ...quiet.wire, http2: { ...quiet.wire.http2, streamWindowBytes } };
  const scenario = { ...quiet, wire, world: { ...quiet.world, network }, ...changes };
  return livenessBounds(scenario).settledMs;
}

// Seed 740008925: 230 entries took more than six seconds.
test('a window of 256 bytes has the time that the log of a minute takes to go through it', () => {
  const wide = settledMs(65_536, { transport: 'bytes', valueBytes: [] });
  const narrow = settledMs(256, { transport: 'bytes', valueBytes: [] });
  expect(narrow - wide).toBeGreaterThan(15_000);
});

test.each([
  { what: 'messages have no windows', changes: { transport: 'messages', valueBytes: [] } },
  { what: 'long values widen theirs', changes: { transport: 'bytes', valueBytes: [600] } },
] as const)('but no more time where $what', ({ changes }) => {
  expect(settledMs(256, changes)).toBe(settledMs(65_536, changes));
});
