import type { NodeId } from '@d-engine/base';
import type { Faults, FaultTools } from './fault-tools.ts';
import { inflict, pickOther } from './fault-tools.ts';
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
    if (tools.cluster.ids.length === 1) return;
    partition(tools, tools.cluster.ids, [leader], 'both');
    if (tools.random.chance(0.3)) setClockBack(tools, leader);
  },

  oneWayCut: (tools, victim) => {
    const other = pickOther(tools, victim);
    if (other !== undefined) partition(tools, [victim, other], [victim], 'one');
  },

  oneWayPartition: (tools) => partition(tools, tools.cluster.ids, randomGroup(tools), 'one'),

  clog: (tools, victim) => {
    const { random } = tools;
    const other = pickOther(tools, victim);
    if (other === undefined) return;
    const delayMs = random.pick([
      { min: 50, max: 500 },
      { min: 500, max: clogMsMax },
    ]);
    const clogs: Harm[] = [{ type: 'clog', from: victim, to: other, delayMs }];
    if (random.chance(0.5)) clogs.push({ type: 'clog', from: other, to: victim, delayMs });
    inflict(tools, clogs);
  },

  reset: (tools, victim, host) => {
    const { world, cluster, random } = tools;
    const others = cluster.ids.filter((id) => id !== victim && random.chance(0.5));
    let broken = 0;
    for (const id of others) broken += world.reset(host, cluster.host(id));
    if (broken > 0) tools.happened();
  },

  /** See {@link forgetPromises}. */
  forgottenPromise: (tools, victim) => {
    const { harms, cluster, later } = tools;
    const leader = cluster.leader?.settings.nodeId;
    const voters = cluster.ids.filter((id) => id !== leader && id !== victim);
    if (leader === undefined || leader === victim || voters.length === 0) return;
    const cuts = cutsBetween([leader], [victim], 'both');
    // Nothing more is committed, or the victim would have too short a log to be elected.
    const stalls = voters.map((member): Harm => ({ type: 'stalledDisk', member }));
    harms.begin([...cuts, ...stalls]);
    later(() => forgetPromises(tools, leader, voters, { cuts, stalls }));
  },
};

/** Who is cut off has no time server either: its wall clock goes back by about the time since. */
function setClockBack({ world, cluster, random, later }: FaultTools, id: NodeId): void {
  const cutAtMs = world.nowMs;
  later(() => cluster.host(id).jumpWallClock((cutAtMs - world.nowMs) * random.between(0.5, 1.1)));
}

/**
 * One member has been waiting for votes. Those that the leader counts on start again at once and
 * hear it no more: they still owe it their votes, though they have forgotten it. It counts if
 * there was such a promise.
 */
function forgetPromises(
  { cluster, supervisor, random, harms, later, happened }: FaultTools,
  leader: NodeId,
  voters: readonly NodeId[],
  { cuts, stalls }: Readonly<Record<'cuts' | 'stalls', readonly Harm[]>>,
): void {
  const more = cutsBetween([leader], voters, 'both');
  harms.begin(more);
  later(() => harms.end([...cuts, ...more]));
  const leads = cluster.node(leader)?.isLeader === true;
  let forgotten = 0;
  for (const id of voters) {
    const owes = cluster.view(id)?.owesItsVote === true;
    const isKilled = supervisor.crash(id, false, random.float() * restartMsMax);
    if (leads && owes && isKilled) forgotten += 1;
  }
  harms.end(stalls);
  if (forgotten > 0) happened();
}

function randomGroup({ cluster, random }: FaultTools): NodeId[] {
  return cluster.ids.filter(() => random.chance(0.5));
}

/** Cuts those of `ids` that are in the group off from those that are not. */
function partition(
  tools: FaultTools,
  ids: readonly NodeId[],
  group: readonly NodeId[],
  ways: 'one' | 'both',
): void {
  const inside = ids.filter((id) => group.includes(id));
  const outside = ids.filter((id) => !group.includes(id));
  if (inside.length === 0 || outside.length === 0) return;
  inflict(tools, cutsBetween(inside, outside, ways));
}
