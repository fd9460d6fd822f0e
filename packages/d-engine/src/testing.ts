/** `d-engine/testing`: a cluster in memory, on virtual time, for the tests of its users. */
export { startTestCluster } from './testing/start-test-cluster.ts';
export type { TestCluster } from './testing/test-cluster.ts';
export type { TestClusterOptions } from './testing/test-member.ts';
