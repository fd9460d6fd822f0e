import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, Operation } from '@d-engine/simulator';
import { encodeHistory, groupByKey } from '@d-engine/simulator';
import type { ClientApi } from 'd-engine/client';
import { connect } from 'd-engine/client';
import { LocalCluster } from '../cluster/local-cluster.ts';
import { Faults } from './faults.ts';
import type { ChaosFlags } from './flags.ts';
import type { Hosts } from './hosts.ts';
import { countLeaderChanges } from './leader-changes.ts';
import { Nodes } from './nodes.ts';
import { Recorder } from './recorder.ts';
import type { Road } from './roads.ts';
import { roadOfClient, roadOverHttp } from './roads.ts';
import { problemsOf } from './verdict.ts';
import { ChaosClient } from './workload.ts';

/** After the faults: by then a healthy cluster has elected, caught up and answers. */
const recoveryLimitMs = 60_000;
const readBackAttempts = 5;

export interface ChaosOptions {
  readonly root: string;
  readonly flags: ChaosFlags;
  readonly hosts: Hosts;
  readonly say: (line: string) => void;
}

/** True when nothing went wrong. The cluster's folder stays when something did. */
export async function runChaos({ root, flags, hosts, say }: ChaosOptions): Promise<boolean> {
  const cluster = await LocalCluster.create({
    root,
    size: flags.nodes,
    hostOf: (id) => hosts.hostOf(id),
    wrapperOf: (id) => hosts.wrapperOf(id),
  });
  say(`seed ${flags.seed}, ${flags.nodes} nodes in ${cluster.directory}`);
  const recorder = new Recorder(() => hosts.isCut('clients'));
  const client = connect({ endpoints: cluster.endpoints, deadlineMs: 5_000 });
  const nodes = new Nodes(cluster, say);
  const problems: string[] = [];
  try {
    nodes.startAll();
    await cluster.waitUntilSettled();
    say('the cluster is up: faults begin');
    const durationMs = flags.minutes * 60_000;
    const faults = new Faults({ nodes, hosts, seed: flags.seed, durationMs, say });
    const clients = startClients(cluster, client, recorder, nodes, flags);
    await delay(durationMs);
    await faults.rest();
    await Promise.all(clients.map((each) => each.stop()));
    await cluster.waitUntilSettled({ timeoutMs: recoveryLimitMs });
    await readBack(cluster, recorder);
    const changes = countLeaderChanges(cluster.ids.map((id) => cluster.readLog(id)));
    say(summaryOf(recorder, faults, changes));
  } catch (error) {
    problems.push(`liveness: ${error instanceof Error ? error.message : String(error)}`);
  }
  await client.close();
  await nodes.killAll();
  const startedAtMs = performance.now();
  problems.push(...problemsOf(recorder.operations, nodes.violations));
  say(`history checked in ${Math.round(performance.now() - startedAtMs)} ms`);
  for (const problem of problems) say(`VIOLATION ${problem}`);
  writeHistories(recorder.operations, flags, problems.length > 0 ? cluster.directory : undefined);
  if (problems.length === 0) await cluster.dispose();
  else say(`seed ${flags.seed}; data, logs and history.jsonl are kept in ${cluster.directory}`);
  return problems.length === 0;
}

function startClients(
  cluster: LocalCluster,
  client: ClientApi,
  recorder: Recorder,
  nodes: Nodes,
  flags: ChaosFlags,
): readonly ChaosClient[] {
  const anywhere = { road: roadOfClient(client), process: undefined };
  const direct = cluster.ids.map((id) => ({
    road: roadOverHttp(cluster.address(id)),
    process: () => nodes.nameOf(id),
  }));
  return Array.from({ length: flags.clients }, (_, index) => {
    const destinations = index % 2 === 0 ? [anywhere] : direct;
    const seed = flags.seed + 1_000 + index;
    const { epochMs } = flags;
    return new ChaosClient({ name: `c${index}`, seed, epochMs, recorder, destinations });
  });
}

/** Every key once more, the nodes in turn: what was acknowledged must be there. */
async function readBack(cluster: LocalCluster, recorder: Recorder): Promise<void> {
  const roads = cluster.ids.map((id): [number, Road] => [id, roadOverHttp(cluster.address(id))]);
  const keys = [...new Set(recorder.operations.map(({ key }) => key))];
  for (const [index, key] of keys.entries()) {
    const [id, road] = roads[index % roads.length] as [number, Road];
    const command = { type: 'read', consistency: 'linearizable' } as const;
    const name = `final read on node ${id}`;
    let answer: Answer | undefined;
    // A busy machine may have an election of its own; an answer must come all the same.
    for (let attempt = 0; answer === undefined && attempt < readBackAttempts; attempt++) {
      answer = await recorder.perform(name, key, command, () => road(key, command));
    }
    if (answer === undefined) throw new Error(`${name} of ${key} failed after all faults ended`);
  }
}

function summaryOf(recorder: Recorder, faults: Faults, changes: number): string {
  const { answered, refused, unknown } = recorder.counts;
  const past = recorder.countsPastCut;
  const inflicted = [...faults.counts].map(([name, count]) => `${name} ${count}`).join(', ');
  return (
    `${recorder.operations.length} operations: ${answered} answered, ${refused} refused, ` +
    `${unknown} unknown; past cut links of the clients ${past.answered} answered, ` +
    `${past.unknown} unknown; ${changes} leader changes; longest pause of writes ` +
    `${Math.round(recorder.longestPauseMs)} ms; faults: ${inflicted}`
  );
}

function writeHistories(
  operations: readonly Operation[],
  { history, histories }: ChaosFlags,
  directory: string | undefined,
): void {
  if (history !== undefined) writeFileSync(history, encodeHistory(operations));
  if (directory !== undefined) {
    writeFileSync(join(directory, 'history.jsonl'), encodeHistory(operations));
  }
  if (histories === undefined) return;
  mkdirSync(histories, { recursive: true });
  for (const [index, ofKey] of [...groupByKey(operations).values()].entries()) {
    writeFileSync(join(histories, `${index}.jsonl`), encodeHistory(ofKey));
  }
}
