import { fileURLToPath } from 'node:url';
import type { ConnectedClient } from 'd-engine/client';
import { connect } from 'd-engine/client';
import { onTestFailed, onTestFinished } from 'vitest';
import type { ClusterOptions } from '../../../../tools/cluster/local-cluster.ts';
import { LocalCluster } from '../../../../tools/cluster/local-cluster.ts';

export const repositoryRoot: string = fileURLToPath(new URL('../../../..', import.meta.url));

/** The defaults that every cluster here runs on. */
export const electionTimeoutMinMs = 1_000;
export const electionTimeoutMaxMs = 2_000;

/** A cluster whose nodes do not run yet; it ends with the test. */
export async function newCluster(options: Partial<ClusterOptions> = {}): Promise<LocalCluster> {
  const cluster = await LocalCluster.create({ root: repositoryRoot, ...options });
  onTestFailed(() => say(`what the nodes said last:\n${cluster.describe()}`));
  onTestFinished(() => cluster.dispose());
  return cluster;
}

/** A cluster whose nodes all run and follow one leader. */
export async function startedCluster(options: Partial<ClusterOptions> = {}): Promise<LocalCluster> {
  const cluster = await newCluster(options);
  cluster.startAll();
  await cluster.waitUntilSettled();
  return cluster;
}

/** A gRPC client that knows these members, all when none is named; it ends with the test. */
export function clientOf(cluster: LocalCluster, ...ids: readonly number[]): ConnectedClient {
  const known = ids.length === 0 ? cluster.ids : ids;
  const client = connect({ endpoints: known.map((id) => cluster.address(id)) });
  onTestFinished(() => client.close());
  return client;
}

/** The members that do not lead. */
export function others(cluster: LocalCluster, id: number): readonly [number, number] {
  const [first, second] = cluster.ids.filter((other) => other !== id);
  if (first === undefined || second === undefined) throw new Error('a cluster of three is needed');
  return [first, second];
}

/** A line of the test's report: measured figures, for whoever reads the run. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
