import type { NodeId } from '@d-engine/base';
import { clockRateDeviationMax } from '../draw-scenario.ts';
import type { Faults, FaultTools } from './fault-tools.ts';

type ProcessFault =
  | 'kill'
  | 'powerLoss'
  | 'powerLossOfAll'
  | 'gracefulStop'
  | 'pause'
  | 'stall'
  | 'suspend'
  | 'wallJump'
  | 'clockRate';

const restartMsMax = 100;

/** What befalls a process, or the machine below it. */
export const processFaults: Faults<ProcessFault> = {
  /** What a service manager starts again at once may still be owed a promise of the run before. */
  kill: ({ supervisor, random }, victim) =>
    supervisor.crash(victim, false, random.chance(0.3) ? random.float() * restartMsMax : undefined),

  powerLoss: (tools, victim, { disk }) => {
    const crash = (): unknown => tools.supervisor.crash(victim, true);
    if (tools.random.chance(0.3)) crash();
    else whenItHurts(tools, () => disk.hasUnsynced, crash);
    return true;
  },

  /** The power is back for all at once; machines take their time to boot. */
  powerLossOfAll: (tools) => {
    const { supervisor, cluster, random, scenario } = tools;
    const backMs = random.float() * scenario.electionTimeoutMinMs * 2;
    const crash = (): void => {
      for (const id of cluster.ids) supervisor.crash(id, true, backMs + random.float() * 500);
    };
    const unsynced = (): boolean => cluster.ids.some((id) => cluster.host(id).disk.hasUnsynced);
    if (random.chance(0.3)) crash();
    else whenItHurts(tools, unsynced, crash);
    return true;
  },

  gracefulStop: (tools, victim) => {
    const { cluster, random } = tools;
    // A leader that stops hands over, which is half of what this is for.
    const id = random.chance(0.5) ? (cluster.leader?.settings.nodeId ?? victim) : victim;
    const node = cluster.node(id);
    if (node === undefined || !cluster.host(id).runs) return false;
    if (random.chance(0.3)) deafen(tools, id);
    // The outcome is in `closed`, which the cluster watches.
    node.stop().catch(() => undefined);
    return true;
  },

  pause: ({ later }, _victim, host) => {
    if (!host.runs) return false;
    host.pause();
    later(() => host.resume());
    return true;
  },

  stall: ({ random, scenario }, _victim, host) => {
    if (host.alive) host.stall(random.float() * scenario.electionTimeoutMinMs * 3);
    return host.alive;
  },

  suspend: ({ random, scenario }, _victim, host) => {
    if (!host.alive || host.asleep) return false;
    const ms = random.float() * scenario.electionTimeoutMinMs * 5;
    // Where it stands still, the wall clock alone tells (design rule 4).
    host.suspend(ms, { monotonicAdvances: random.chance(0.2) });
    return true;
  },

  wallJump: ({ random }, _victim, host) => {
    host.jumpWallClock((random.float() - 0.5) * random.pick([200, 20_000]));
    return true;
  },

  clockRate: ({ random }, _victim, host) => {
    host.setClockRate(1 + random.between(-clockRateDeviationMax, clockRateDeviationMax));
    return true;
  },
};

/** It hears the others late: of its successor too. */
function deafen({ world, cluster, random, later }: FaultTools, id: NodeId): void {
  const ms = random.pick([200, 1_000]);
  for (const other of cluster.ids) {
    if (other === id) continue;
    world.clog(cluster.host(other), cluster.host(id), { min: ms / 2, max: ms });
  }
  later(() => world.unclog());
}

/** Disks are idle most of the time, and a power loss then loses nothing: waits a while for one. */
function whenItHurts(
  { world, random }: FaultTools,
  isUnsynced: () => boolean,
  action: () => void,
): void {
  let looksLeft = 1_000;
  const look = (): void => {
    looksLeft -= 1;
    if (looksLeft === 0 || isUnsynced()) action();
    else world.after(random.float(), look);
  };
  look();
}
