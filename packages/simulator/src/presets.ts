import type { Preset, Scenario } from './scenario.ts';

/** Narrows a drawn scenario to what a preset is about. */
export function applyPreset(scenario: Scenario, preset: Preset): Scenario {
  // Often, but with time for an election in between.
  const faultIntervalMsMax = scenario.electionTimeoutMinMs * 8;
  const focused = { ...scenario, members: 3, faultIntervalMsMax, voteTrap: false };
  switch (preset) {
    case 'swarm':
      return scenario;
    case 'durability':
      return { ...focused, faults: ['powerLossOfAll', 'powerLoss'] };
    case 'leases':
      return {
        ...focused,
        keys: 1,
        mix: { ...scenario.mix, reads: 0.7, leaseReads: 0.7, swaps: 0 },
        // Embedded clients stay with a leader that is cut off; the others leave it soon.
        networkClients: 0,
        faults: ['isolateLeader', 'partition', 'pause'],
      };
    case 'votes':
      return {
        ...focused,
        electionTimeoutMinMs: 200,
        heartbeatIntervalMs: 40,
        leaseDurationMs: 100,
        faultIntervalMsMax: 20_000,
        faults: ['kill', 'clog', 'isolateLeader'],
        voteTrap: true,
      };
  }
}
