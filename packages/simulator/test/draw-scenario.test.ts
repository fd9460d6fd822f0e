import { describe, expect, test } from 'vitest';
import { strategyOf } from '../src/draw-persistence.ts';
import { clockRateDeviationMax, drawScenario } from '../src/draw-scenario.ts';
import type { Scenario } from '../src/scenario.ts';
import { earlyFaultKinds, entryBytesMax, lateFaultKinds } from '../src/scenario.ts';

const scenarios = Array.from({ length: 400 }, (_, seed) => drawScenario(seed));

describe('the swarm', () => {
  test('has clusters of one to seven members, most of them of three or five', () => {
    const counts = new Map<number, number>();
    for (const { members } of scenarios) counts.set(members, (counts.get(members) ?? 0) + 1);
    expect(new Set(counts.keys())).toEqual(new Set([1, 2, 3, 4, 5, 6, 7]));
    const [first, second] = [...counts].sort(([, one], [, other]) => other - one);
    expect([first?.[0], second?.[0]]).toEqual([3, 5]);
  });

  test('inflicts every fault in many of its runs, and none in all of them', () => {
    for (const kind of earlyFaultKinds) {
      const share = scenarios.filter(({ faults }) => faults.includes(kind)).length / 400;
      expect(share, kind).toBeGreaterThan(0.25);
      expect(share, kind).toBeLessThan(0.6);
    }
  });

  test('keeps clocks and leases inside the margin that lease reads rest on', () => {
    for (const { world, leaseDurationMs, electionTimeoutMinMs } of scenarios) {
      const { driftMax } = world.clock;
      expect(driftMax).toBeLessThanOrEqual(clockRateDeviationMax);
      // A slow leader's lease ends before a fast voter's promise does.
      const leaseMs = leaseDurationMs / (1 - clockRateDeviationMax);
      const promiseMs = electionTimeoutMinMs / (1 + clockRateDeviationMax);
      expect(leaseMs).toBeLessThan(promiseMs);
    }
  });

  test('speaks in bytes in about a third of its runs, with small windows in many of them', () => {
    const bytes = scenarios.filter(({ transport }) => transport === 'bytes');
    expect(bytes.length / 400).toBeGreaterThan(0.25);
    expect(bytes.length / 400).toBeLessThan(0.42);
    const small = bytes.filter(({ wire }) => (wire.http2?.connectionWindowBytes ?? 0) < 100_000);
    expect(small.length / bytes.length).toBeGreaterThan(0.5);
  });

  test('inflicts every late fault in some runs, and leaves half of the runs as they were', () => {
    for (const kind of lateFaultKinds) {
      const share = scenarios.filter(({ faults }) => faults.includes(kind)).length / 400;
      expect(share, kind).toBeGreaterThan(0.2);
      expect(share, kind).toBeLessThan(0.4);
    }
    const plain = scenarios.filter(
      ({ faults, limits, valueBytes }) =>
        !lateFaultKinds.some((kind) => faults.includes(kind)) &&
        limits.appendEntriesMax === 100 &&
        valueBytes.length === 0,
    );
    expect(plain.length / 400).toBeGreaterThan(0.45);
  });

  test('has long values and narrow limits, and log files with room for them', () => {
    const shareOf = (holds: (scenario: Scenario) => boolean): number =>
      scenarios.filter(holds).length / 400;
    for (const bytes of [600, 5_000]) {
      expect(shareOf(({ valueBytes }) => valueBytes.includes(bytes))).toBeGreaterThan(0.05);
    }
    for (const name of ['appendEntriesMax', 'proposalBatchMax', 'pendingWritesMax'] as const) {
      expect(
        shareOf(({ limits }) => limits[name] <= 2),
        name,
      ).toBeGreaterThan(0.1);
    }
    for (const scenario of scenarios) {
      expect(scenario.segmentBytes).toBeGreaterThan(entryBytesMax(scenario));
      expect(Math.max(0, ...scenario.valueBytes)).toBeLessThanOrEqual(
        scenario.limits.valueBytesMax,
      );
    }
  });

  test('acknowledges from memory in a quarter of its runs, some with changing strategies', () => {
    const shareOf = (strategies: string): number =>
      scenarios.filter(({ persistence }) => persistence.strategies === strategies).length / 400;
    expect(shareOf('MemFirst') + shareOf('mixed')).toBeGreaterThan(0.2);
    expect(shareOf('MemFirst') + shareOf('mixed')).toBeLessThan(0.3);
    expect(shareOf('mixed')).toBeGreaterThan(0.03);
    const mixed = { ...drawScenario(1, 3, 'mixed').persistence };
    const starts = Array.from({ length: 40 }, (_, start) => {
      return strategyOf(mixed, { seed: 1, id: 2, start });
    });
    expect(new Set(starts)).toEqual(new Set(['DiskFirst', 'MemFirst']));
    expect(strategyOf(mixed, { seed: 1, id: 2, start: 7 })).toBe(starts[7]);
  });

  test('plays otherwise what it played with DiskFirst, whatever is drawn for the strategy', () => {
    for (const scenario of scenarios.slice(0, 50)) {
      const { seed, persistence } = scenario;
      if (persistence.strategies !== 'DiskFirst') continue;
      const { bufferedEntriesMax, flushPolicy } = persistence;
      expect(flushPolicy).toEqual({ kind: 'immediate' });
      expect(bufferedEntriesMax).toBe(10_000);
      const told = drawScenario(seed, undefined, 'MemFirst');
      const { faultIntervalMsMax } = scenario;
      expect({ ...told, faultIntervalMsMax, persistence }).toEqual(scenario);
    }
  });

  test('is the same for the same seed', () => {
    expect(drawScenario(7)).toEqual(drawScenario(7));
  });

  test('takes another number of members when told', () => {
    for (const seed of [1, 2, 3]) expect(drawScenario(seed, 5).members).toBe(5);
  });
});
