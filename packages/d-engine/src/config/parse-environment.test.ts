import { describe, expect, test } from 'vitest';
import { loadEnvironment, loadText, messagesOf, problemsOf } from './test-support.ts';

describe('the environment', () => {
  test('goes before the file, key by key', () => {
    const toml = '[raft.election]\nelection_timeout_min = 1200\nelection_timeout_max = 2400\n';
    const environment = { RAFT__RAFT__ELECTION__ELECTION_TIMEOUT_MIN: '1500' };
    const { election } = loadText(toml, environment).config.raft;
    expect([election.timeoutMinMs, election.timeoutMaxMs]).toEqual([1500, 2400]);
  });

  test('text becomes what the key wants', () => {
    const { config } = loadEnvironment({
      RAFT__CLUSTER__NODE_ID: ' 2 ',
      RAFT__CLUSTER__DB_ROOT_DIR: '123',
      RAFT__RAFT__READ_CONSISTENCY__ALLOW_CLIENT_OVERRIDE: 'False',
      RAFT__RAFT__READ_CONSISTENCY__DEFAULT_POLICY: 'leaseread',
      RAFT__RAFT__BACKPRESSURE__MAX_PENDING_WRITES: '1_000',
      RAFT__HTTP__ALLOWED_HOSTS: 'a.example, b.example',
    });
    expect(config.cluster).toMatchObject({ nodeId: 2, dbRootDir: '123' });
    expect(config.raft.readConsistency.clientOverrideAllowed).toBe(false);
    expect(config.raft.readConsistency.defaultPolicy).toBe('LeaseRead');
    expect(config.raft.backpressure.pendingWritesMax).toBe(1000);
    expect(config.http.allowedHosts).toEqual(['a.example', 'b.example']);
  });

  test('empty values count as absent, other variables are left alone', () => {
    const environment = {
      RAFT__CLUSTER__NODE_ID: '',
      RAFT__CLUSTER__DB_ROOT_DIR: '  ',
      RAFT__X: undefined,
      RAFT_PORT: 'tcp://10.0.0.1:1',
      DRAFT__X: '1',
    };
    expect(loadEnvironment(environment).config).toEqual(loadEnvironment({}).config);
  });

  test('names in lower case count too', () => {
    expect(loadEnvironment({ raft__cluster__node_id: '5' }).config.cluster.nodeId).toBe(5);
  });

  test('initial_cluster comes as JSON', () => {
    const { config } = loadEnvironment({
      RAFT__CLUSTER__NODE_ID: '2',
      RAFT__CLUSTER__INITIAL_CLUSTER: JSON.stringify([
        { id: 1, address: 'node-1:9081', role: 1, status: 2 },
        { id: 2, address: 'node-2:9081' },
      ]),
    });
    expect(config.cluster.members).toEqual([
      { id: 1, address: 'node-1:9081', role: 'voter', promotable: false },
      { id: 2, address: 'node-2:9081', role: 'voter', promotable: false },
    ]);
  });

  test.each(['[{"id":1', '{"id":1}', 'node-1:9081', '[null]', '[{"id":1.5,"address":"a:1"}]'])(
    'initial_cluster = %s is refused with the name of the variable',
    (text) => {
      const problems = problemsOf(() => loadEnvironment({ RAFT__CLUSTER__INITIAL_CLUSTER: text }));
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatchObject({ variable: 'RAFT__CLUSTER__INITIAL_CLUSTER' });
    },
  );

  test('parts of a structured value are variables of their own, or one of JSON', () => {
    const parts = loadEnvironment({
      RAFT__RAFT__MEMBERSHIP__ZOMBIE__PURGE_INTERVAL__SECS: '5',
      RAFT__RAFT__PERSISTENCE__FLUSH_POLICY__BATCH__THRESHOLD: '7',
      RAFT__RAFT__PERSISTENCE__FLUSH_POLICY__BATCH__INTERVAL_MS: '8',
    }).config.raft;
    const whole = loadEnvironment({
      RAFT__RAFT__MEMBERSHIP__ZOMBIE__PURGE_INTERVAL: '{"secs":5}',
      RAFT__RAFT__PERSISTENCE__FLUSH_POLICY: '{"Batch":{"threshold":7,"interval_ms":8}}',
    }).config.raft;
    expect(parts).toEqual(whole);
    expect(parts.membership.zombie.purgeIntervalMs).toBe(5000);
    expect(parts.persistence.flushPolicy).toEqual({ kind: 'batch', threshold: 7, intervalMs: 8 });
    const immediate = { RAFT__RAFT__PERSISTENCE__FLUSH_POLICY: 'Immediate' };
    expect(loadEnvironment(immediate).config.raft.persistence.flushPolicy.kind).toBe('immediate');
  });

  test('an unknown key is an error here too, with the nearest one', () => {
    expect(problemsOf(() => loadEnvironment({ RAFT__CLUSTER__NOD_ID: '1' }))).toEqual([
      {
        message: 'unknown config key cluster.nod_id; the nearest known key is cluster.node_id',
        variable: 'RAFT__CLUSTER__NOD_ID',
        key: 'cluster.nod_id',
      },
    ]);
  });

  test('a value of the wrong type names the variable in the text of the error', () => {
    expect(() => loadEnvironment({ RAFT__CLUSTER__NODE_ID: 'two' })).toThrow(
      'RAFT__CLUSTER__NODE_ID: cluster.node_id must be a whole number, not "two"',
    );
  });

  test('variables that contradict each other are refused', () => {
    const table = { RAFT__CLUSTER: '1', RAFT__CLUSTER__NODE_ID: '2' };
    expect(messagesOf(() => loadEnvironment(table))).toContainEqual(
      'another variable sets the table that this one is a part of',
    );
    const twice = { RAFT__CLUSTER__NODE_ID: '1', raft__cluster__node_id: '2' };
    expect(messagesOf(() => loadEnvironment(twice))).toEqual([
      'another variable sets this key or a part of it',
    ]);
  });
});
