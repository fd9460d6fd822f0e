import type { NodeId, Term } from '@d-engine/base';
import type { Node } from '@d-engine/node';
import type { VirtualDisk, VirtualHost } from '@d-engine/virtual-env';
import { voteFileName } from '../disk-layout.ts';
import { clockRateDeviationMax } from '../draw-scenario.ts';
import type { Faults, FaultTools } from './fault-tools.ts';
import { inflict } from './fault-tools.ts';
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
  | 'clockRate'
  | 'killVoter';

const restartMsMax = 100;
/** So many of the shortest election timeouts a machine sleeps at most; a stall is over sooner. */
export const sleepTimeoutsMax = 5;

/** What befalls a process, or the machine below it. */
export const processFaults: Faults<ProcessFault> = {
  /** What a service manager starts again at once may still be owed a promise of the run before. */
  kill: ({ supervisor, random, happened }, victim) => {
    const backMs = random.chance(0.3) ? random.float() * restartMsMax : undefined;
    if (supervisor.crash(victim, false, backMs)) happened();
  },

  powerLoss: (tools, victim, { disk }) => {
    const crash = (): void => {
      if (losePower(tools, victim)) tools.happened();
    };
    if (tools.random.chance(0.3)) crash();
    else whenItHurts(tools, () => disk.hasUnsynced, crash);
  },

  /** The power is back for all at once; machines take their time to boot. */
  powerLossOfAll: (tools) => {
    const { cluster, random, scenario } = tools;
    const backMs = random.float() * scenario.electionTimeoutMinMs * 2;
    const crash = (): void => {
      const hurt = cluster.ids.filter((id) => losePower(tools, id, backMs + random.float() * 500));
      if (hurt.length > 0) tools.happened();
    };
    const unsynced = (): boolean => cluster.ids.some((id) => cluster.host(id).disk.hasUnsynced);
    if (random.chance(0.3)) crash();
    else whenItHurts(tools, unsynced, crash);
  },

  gracefulStop: (tools, victim) => {
    const { cluster, supervisor, random } = tools;
    // A leader that stops hands over, which is half of what this is for.
    const id = random.chance(0.5) ? (cluster.leader?.settings.nodeId ?? victim) : victim;
    if (cluster.node(id) === undefined || !cluster.host(id).runs) return;
    if (random.chance(0.3)) deafen(tools, id);
    supervisor.stop(id, tools.happened);
  },

  /** To whom it likes or, as often, to one that may be down, behind, cut off, or stand still. */
  transfer: (tools, victim) => {
    const { cluster, random } = tools;
    const { leader } = cluster;
    if (leader === undefined || !cluster.host(leader.settings.nodeId).runs) return;
    const { term } = leader;
    const target = random.chance(0.5) ? undefined : victim;
    if (!leader.transferLeadership(target)) return;
    tools.happened();
    countTransfer(tools, leader, term);
    if (target === undefined || random.chance(0.5)) return;
    const paused: Harm = { type: 'paused', member: target };
    tools.harms.begin([paused]);
    tools.later(() => tools.harms.end([paused]));
  },

  pause: (tools, member, host) => {
    if (host.runs) inflict(tools, [{ type: 'paused', member }]);
  },

  stall: (tools, _victim, host) => {
    if (!host.alive) return;
    const ms = tools.random.float() * tools.scenario.electionTimeoutMinMs * 3;
    countHeldUp(tools, host, ms);
    host.stall(ms);
  },

  suspend: (tools, _victim, host) => {
    if (!host.alive || host.asleep) return;
    const { random, scenario } = tools;
    const ms = random.float() * scenario.electionTimeoutMinMs * sleepTimeoutsMax;
    countHeldUp(tools, host, ms);
    // Where it stands still, the wall clock alone tells (design rule 4).
    host.suspend(ms, { monotonicAdvances: random.chance(0.2) });
  },

  /** Of a machine that is off, too: its next process starts with that. */
  wallJump: ({ random, happened }, _victim, host) => {
    host.jumpWallClock((random.float() - 0.5) * random.pick([200, 20_000]));
    happened();
  },

  clockRate: ({ random, happened }, _victim, host) => {
    host.setClockRate(1 + random.between(-clockRateDeviationMax, clockRateDeviationMax));
    happened();
  },

  /** The leader goes, and another member while it writes down whom it votes for. */
  killVoter: ({ supervisor, cluster, random, after, later, happened }, victim, { disk }) => {
    const leader = cluster.leader?.settings.nodeId;
    if (leader === undefined || leader === victim) return;
    if (!supervisor.crash(leader, random.chance(0.3))) return;
    const giveUp = disk.duringNext('write', voteFileName, () => {
      after(0, () => {
        if (supervisor.crash(victim, random.chance(0.3))) happened();
      });
    });
    later(giveUp);
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

/** Whether it found anything that no sync covered, to lose, to tear or to keep by luck. */
function losePower({ supervisor, cluster }: FaultTools, id: NodeId, backMs?: number): boolean {
  const { disk } = cluster.host(id);
  const before = unsyncedMet(disk);
  return supervisor.crash(id, true, backMs) && unsyncedMet(disk) > before;
}

function unsyncedMet({ counters }: VirtualDisk): number {
  const { lostWrites, tornWrites, keptWrites, lostDirectoryChanges } = counters;
  return lostWrites + tornWrites + keptWrites + lostDirectoryChanges;
}

/** Counts the fault if anything had to wait until the host goes on. */
function countHeldUp({ after, happened }: FaultTools, host: VirtualHost, ms: number): void {
  const before = host.heldEvents;
  after(ms, () => {
    if (host.heldEvents > before) happened();
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
