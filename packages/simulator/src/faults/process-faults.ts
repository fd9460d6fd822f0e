import type { NodeId, Term } from '@d-engine/base';
import type { Node } from '@d-engine/node';
import { clockRateDeviationMax } from '../draw-scenario.ts';
import type { Faults, FaultTools } from './fault-tools.ts';
import type { Harm } from './harms.ts';

type ProcessFault =
  | 'kill'
  | 'powerLoss'
  | 'powerLossOfAll'
  | 'gracefulStop'
  | 'transfer'
  | 'pause'
  | 'stall'
  | 'suspend'
  | 'wallJump'
  | 'clockRate';

const restartMsMax = 100;
/** So many of the shortest election timeouts a machine sleeps at most; a stall is over sooner. */
export const sleepTimeoutsMax = 5;

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
    const { cluster, supervisor, random } = tools;
    // A leader that stops hands over, which is half of what this is for.
    const id = random.chance(0.5) ? (cluster.leader?.settings.nodeId ?? victim) : victim;
    if (cluster.node(id) === undefined || !cluster.host(id).runs) return false;
    if (random.chance(0.3)) deafen(tools, id);
    return supervisor.stop(id);
  },

  /** To whom it likes or, as often, to one that may be down, behind, cut off, or stand still. */
  transfer: (tools, victim) => {
    const { cluster, random, harms, later } = tools;
    const { leader } = cluster;
    if (leader === undefined || !cluster.host(leader.settings.nodeId).runs) return false;
    const { term } = leader;
    const target = random.chance(0.5) ? undefined : victim;
    if (!leader.transferLeadership(target)) return false;
    countTransfer(tools, leader, term);
    if (target !== undefined && random.chance(0.5)) {
      const paused: Harm = { type: 'paused', member: target };
      harms.begin([paused]);
      later(() => harms.end([paused]));
    }
    return true;
  },

  pause: ({ harms, later }, member, host) => {
    if (!host.runs) return false;
    const paused: Harm = { type: 'paused', member };
    harms.begin([paused]);
    later(() => harms.end([paused]));
    return true;
  },

  stall: ({ random, scenario }, _victim, host) => {
    if (host.alive) host.stall(random.float() * scenario.electionTimeoutMinMs * 3);
    return host.alive;
  },

  suspend: ({ random, scenario }, _victim, host) => {
    if (!host.alive || host.asleep) return false;
    const ms = random.float() * scenario.electionTimeoutMinMs * sleepTimeoutsMax;
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

/** Whether the next term is another's, and the process that led goes on. */
function countTransfer({ cluster, counters, after }: FaultTools, leader: Node, term: Term): void {
  after(leader.settings.electionTimeoutMaxMs, () => {
    const isSame = cluster.node(leader.settings.nodeId) === leader && leader.isServing;
    const isFollowing = leader.leaderId !== null && leader.leaderId !== leader.settings.nodeId;
    if (isSame && isFollowing && leader.term === term + 1) {
      counters.add('transfers by leaders that went on');
    }
  });
}

/** It hears the others late: of its successor too. */
function deafen({ harms, cluster, random, later }: FaultTools, to: NodeId): void {
  const ms = random.pick([200, 1_000]);
  const delayMs = { min: ms / 2, max: ms };
  const others = cluster.ids.filter((id) => id !== to);
  const clogs = others.map((from): Harm => ({ type: 'clog', from, to, delayMs }));
  harms.begin(clogs);
  later(() => harms.end(clogs));
}

/** Disks are idle most of the time, and a power loss then loses nothing: waits a while for one. */
function whenItHurts(
  { after, random }: FaultTools,
  isUnsynced: () => boolean,
  action: () => void,
): void {
  let looksLeft = 1_000;
  const look = (): void => {
    looksLeft -= 1;
    if (looksLeft === 0 || isUnsynced()) action();
    else after(random.float(), look);
  };
  look();
}
