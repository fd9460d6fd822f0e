import type { NodeId } from '@d-engine/base';
import type { Faults, FaultTools } from './fault-tools.ts';
import { pickOther } from './fault-tools.ts';
import type { Harm } from './harms.ts';
import { cutsBetween } from './harms.ts';

type NetworkFault =
  | 'partition'
  | 'bridge'
  | 'isolateLeader'
  | 'oneWayCut'
  | 'oneWayPartition'
  | 'clog'
  | 'reset'
  | 'forgottenPromise';

export const clogMsMax = 2_000;
/** Soon enough for the promise to a leader to bind still. */
const restartMsMax = 50;

/** What befalls the links between members. */
export const networkFaults: Faults<NetworkFault> = {
  partition: (tools) => partition(tools, tools.cluster.ids, randomGroup(tools), 'both'),

  /** Two groups that only share one member. */
  bridge: (tools, bridge) => {
    const others = tools.cluster.ids.filter((id) => id !== bridge);
    return partition(tools, others, randomGroup(tools), 'both');
  },

  isolateLeader: (tools, victim) => {
    const leader = tools.cluster.leader?.settings.nodeId ?? victim;
    const isCut = partition(tools, tools.cluster.ids, [leader], 'both');
    if (isCut && tools.random.chance(0.3)) setClockBack(tools, leader);
    return isCut;
  },

  oneWayCut: (tools, victim) => {
    const other = pickOther(tools, victim);
    return other !== undefined && partition(tools, [victim, other], [victim], 'one');
  },

  oneWayPartition: (tools) => partition(tools, tools.cluster.ids, randomGroup(tools), 'one'),

  clog: (tools, victim) => {
    const { harms, random, later } = tools;
    const other = pickOther(tools, victim);
    if (other === undefined) return false;
    const delayMs = random.pick([
      { min: 50, max: 500 },
      { min: 500, max: clogMsMax },
    ]);
    const clogs: Harm[] = [{ type: 'clog', from: victim, to: other, delayMs }];
    if (random.chance(0.5)) clogs.push({ type: 'clog', from: other, to: victim, delayMs });
    harms.begin(clogs);
    later(() => harms.end(clogs));
    return true;
  },

  reset: (tools, victim, host) => {
    const { world, cluster, random } = tools;
    const others = cluster.ids.filter((id) => id !== victim && random.chance(0.5));
    for (const id of others) world.reset(host, cluster.host(id));
    return others.length > 0;
  },

  /** See {@link forgetPromises}. */
  forgottenPromise: (tools, victim) => {
    const { harms, cluster, later } = tools;
    const leader = cluster.leader?.settings.nodeId;
    const voters = cluster.ids.filter((id) => id !== leader && id !== victim);
    if (leader === undefined || leader === victim || voters.length === 0) return false;
    const cuts = cutsBetween([leader], [victim], 'both');
    // Nothing more is committed, or the victim would have too short a log to be elected.
    const stalls = voters.map((member): Harm => ({ type: 'stalledDisk', member }));
    harms.begin([...cuts, ...stalls]);
    later(() => forgetPromises(tools, leader, voters, { cuts, stalls }));
    return true;
  },
};

/** Who is cut off has no time server either: its wall clock goes back by about the time since. */
function setClockBack({ world, cluster, random, later }: FaultTools, id: NodeId): void {
  const cutAtMs = world.nowMs;
  later(() => cluster.host(id).jumpWallClock((cutAtMs - world.nowMs) * random.between(0.5, 1.1)));
}

/**
 * One member has been waiting for votes. Those that the leader counts on start again at once and
 * hear it no more: they still owe it their votes, though they have forgotten it.
 */
function forgetPromises(
  { supervisor, random, harms, later }: FaultTools,
  leader: NodeId,
  voters: readonly NodeId[],
  { cuts, stalls }: Readonly<Record<'cuts' | 'stalls', readonly Harm[]>>,
): void {
  const more = cutsBetween([leader], voters, 'both');
  harms.begin(more);
  later(() => harms.end([...cuts, ...more]));
  for (const id of voters) supervisor.crash(id, false, random.float() * restartMsMax);
  harms.end(stalls);
}

function randomGroup({ cluster, random }: FaultTools): NodeId[] {
  return cluster.ids.filter(() => random.chance(0.5));
}

/** Cuts those of `ids` that are in the group off from those that are not. */
function partition(
  { harms, later }: FaultTools,
  ids: readonly NodeId[],
  group: readonly NodeId[],
  ways: 'one' | 'both',
): boolean {
  const inside = ids.filter((id) => group.includes(id));
  const outside = ids.filter((id) => !group.includes(id));
  if (inside.length === 0 || outside.length === 0) return false;
  const cuts = cutsBetween(inside, outside, ways);
  harms.begin(cuts);
  later(() => harms.end(cuts));
  return true;
}
