import { describeError } from '@d-engine/base';
import type { Node } from '@d-engine/node';
import { VirtualWorld } from '@d-engine/virtual-env';
import type { HistoryEntry } from './history.ts';
import { Invariants } from './invariants.ts';
import { makeClients } from './make-clients.ts';
import { Nemesis } from './nemesis.ts';
import { checkRegisters } from './register-check.ts';
import type { FaultKind, Scenario } from './scenario.ts';
import { drawScenario } from './scenario.ts';
import type { CheckName, Violation } from './violation.ts';
import { formatViolation } from './violation.ts';
import { VirtualCluster } from './virtual-cluster.ts';
import { VoteTrap } from './vote-trap.ts';
import { textOf } from './workload.ts';

export interface SimulationOptions {
  /** Time under faults, virtual. */
  readonly durationMs?: number;
  readonly scenario?: Scenario;
  /** Every log line of the members, and every violation. */
  readonly onLine?: (line: string) => void;
}

export interface SimulationReport {
  readonly seed: number;
  /** Empty: nothing went wrong. */
  readonly violations: readonly Violation[];
  readonly virtualMs: number;
  readonly events: number;
  readonly acknowledgedWrites: number;
  readonly unknownWrites: number;
  readonly refusedWrites: number;
  readonly reads: number;
  readonly leaseReads: number;
  readonly leaderChanges: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly tornWrites: number;
  readonly lostWrites: number;
  /** Of everything that happened: equal for equal runs. */
  readonly fingerprint: string;
}

const defaultDurationMs = 60_000;
/** After the faults: by then a healthy cluster has elected, caught up and answered. */
const recoveryLimitMs = 60_000;

/**
 * One run: members and clients under faults, then without. The same seed and code give the same
 * run, event by event.
 */
export async function simulate(
  seed: number,
  options: SimulationOptions = {},
): Promise<SimulationReport> {
  const scenario = options.scenario ?? drawScenario(seed);
  const world = new VirtualWorld({ seed, ...scenario.world });
  const violations: Violation[] = [];
  const { onLine } = options;
  const say = (line: string): void => onLine?.(`${world.nowMs.toFixed(3)} ${line}`);
  const violated = (check: CheckName, text: string): void => {
    violations.push({ check, text });
    say(`VIOLATION ${formatViolation({ check, text })}`);
  };
  const cluster = new VirtualCluster(world, scenario, {
    onDeath: (id, error) => violated('no member dies', `node ${id} died: ${describeError(error)}`),
    ...(onLine && { onLog: (id, level, text) => say(`n${id} ${level} ${text}`) }),
  });
  world.onUncaught((error, host) =>
    violated('no member dies', `uncaught in ${host}: ${describeError(error)}`),
  );
  const invariants = new Invariants(cluster);
  const nemesis = new Nemesis(world, cluster, scenario);
  const history: HistoryEntry[] = [];
  const clients = makeClients(world, scenario, cluster, history);

  for (const id of cluster.ids) cluster.start(id);
  for (const client of clients) client.start();
  nemesis.start();
  const trap = scenario.voteTrap ? new VoteTrap(world, cluster, scenario) : undefined;
  trap?.start();
  const check = (): boolean => {
    invariants.check();
    trap?.step();
    return invariants.isViolated;
  };
  await world.run({ until: check, limitMs: options.durationMs ?? defaultDurationMs });
  nemesis.rest();
  trap?.rest();
  await recover(world, cluster, scenario, invariants, violated);
  for (const client of clients) client.stop();
  await readBack(world, cluster, scenario, history, violated);

  for (const { check: name, text } of invariants.violations) violated(name, text);
  for (const { check: name, text } of checkRegisters(history)) violated(name, text);
  return report(world, cluster, nemesis, invariants, history, seed, violations);
}

/** Liveness: without faults the cluster elects a leader and everybody catches up with it. */
async function recover(
  world: VirtualWorld,
  cluster: VirtualCluster,
  scenario: Scenario,
  invariants: Invariants,
  violated: (check: CheckName, text: string) => void,
): Promise<void> {
  const isWhole = (): boolean => {
    invariants.check();
    const leader = cluster.leader;
    if (leader === undefined || cluster.nodes.length < scenario.members) return false;
    return cluster.nodes.every(
      (node) => node.isServing && node.leaderId === leader.settings.nodeId,
    );
  };
  const recovered = await world.run({ until: isWhole, limitMs: recoveryLimitMs });
  if (recovered) return;
  const states = cluster.ids.map((id) => {
    const node = cluster.node(id);
    if (node === undefined) return `${id}: down`;
    const { role, term, leader, condition } = node.status();
    return `${id}: ${role} term ${term} leader ${leader?.id} ${condition}`;
  });
  violated(
    'liveness',
    `no recovery within ${recoveryLimitMs} ms after the faults: ${states.join('; ')}`,
  );
}

/** Every key, through every member, once all is quiet. */
async function readBack(
  world: VirtualWorld,
  cluster: VirtualCluster,
  scenario: Scenario,
  history: HistoryEntry[],
  violated: (check: CheckName, text: string) => void,
): Promise<void> {
  for (const node of cluster.nodes) {
    for (let index = 0; index < scenario.keys; index++) {
      const problem = await readFinally(world, node, `k${index}`, history);
      if (problem === undefined) continue;
      violated('liveness', `final read on ${node.settings.nodeId} failed: ${problem}`);
      for (const each of cluster.nodes) violated('liveness', `  ${JSON.stringify(each.status())}`);
    }
  }
}

/** Tries for as long as a connection over a link that was cut may take to break. */
async function readFinally(
  world: VirtualWorld,
  node: Node,
  key: string,
  history: HistoryEntry[],
): Promise<string | undefined> {
  const giveUpAtMs = world.nowMs + recoveryLimitMs;
  for (;;) {
    const invokedAtMs = world.nowMs;
    try {
      const reading = node.client.read([key], { consistency: 'linearizable' });
      const result = await world.complete(reading, recoveryLimitMs);
      const found = result.entries[0] ?? null;
      const value = textOf(found);
      history.push({
        type: 'read',
        key,
        consistency: 'linearizable',
        client: `final read on ${node.settings.nodeId}`,
        invokedAtMs,
        settledAtMs: world.nowMs,
        value,
        modRevision: found?.modRevision,
        revision: result.revision,
      });
      return undefined;
    } catch (error) {
      if (world.nowMs >= giveUpAtMs) return describeError(error);
    }
  }
}

function report(
  world: VirtualWorld,
  cluster: VirtualCluster,
  nemesis: Nemesis,
  invariants: Invariants,
  history: readonly HistoryEntry[],
  seed: number,
  violations: readonly Violation[],
): SimulationReport {
  const writes = history.filter((entry) => entry.type === 'write');
  const reads = history.filter((entry) => entry.type === 'read');
  const outcome = (wanted: string): number =>
    writes.filter((write) => write.outcome === wanted).length;
  const disks = cluster.ids.map((id) => cluster.host(id).disk.counters);
  return {
    seed,
    violations,
    virtualMs: world.nowMs,
    events: world.eventCount,
    acknowledgedWrites: outcome('acknowledged'),
    unknownWrites: outcome('unknown'),
    refusedWrites: outcome('refused'),
    reads: reads.length,
    leaseReads: reads.filter((read) => read.consistency === 'lease').length,
    leaderChanges: invariants.leaderChanges,
    faults: nemesis.counts,
    tornWrites: disks.reduce((sum, disk) => sum + disk.tornWrites, 0),
    lostWrites: disks.reduce((sum, disk) => sum + disk.lostWrites, 0),
    fingerprint: world.fingerprint(),
  };
}
