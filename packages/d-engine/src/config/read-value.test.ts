import { describe, expect, test } from 'vitest';
import { loadText, messagesOf, problemsOf } from './test-support.ts';

describe('a value of the wrong type is refused and named', () => {
  test.each([
    ['cluster.node_id = "1"', 'cluster.node_id must be a whole number, not "1"'],
    ['cluster.node_id = 1.5', 'cluster.node_id must be a whole number, not 1.5'],
    ['cluster.node_id = [1]', 'cluster.node_id must be a whole number, not an array'],
    ['cluster.node_id = 1979-05-27', 'must be a whole number, not the date 1979-05-27'],
    ['cluster.db_root_dir = ""', 'cluster.db_root_dir must be a text of at least one letter'],
    ['cluster.db_root_dir = 5', 'cluster.db_root_dir must be a text, not 5'],
    ['raft.snapshot.enable = 1', 'raft.snapshot.enable must be true or false, not 1'],
    ['raft.snapshot.enable = "true"', 'must be true or false, not "true"'],
    ['raft.persistence.strategy = "Disk"', 'must be "DiskFirst" or "MemFirst", not "Disk"'],
    ['raft.persistence.flush_policy = "Later"', 'must be "Immediate" or { Batch'],
    ['raft.persistence.flush_policy = { Now = {} }', 'must be "Immediate" or { Batch'],
    ['raft.persistence.flush_policy = { Batch = { threshold = 0 } }', 'Batch.threshold = 0 is out'],
    ['http.allowed_hosts = "a"', 'http.allowed_hosts must be an array of texts, not "a"'],
    ['http.allowed_hosts = [1]', 'http.allowed_hosts must be a text, not 1'],
    ['raft.election = 5', 'raft.election is a table: write [raft.election]'],
    ['[[raft.election]]\nelection_timeout_min = 1500', 'raft.election is a table'],
    ['[cluster.node_id]\nx = 1', 'cluster.node_id must be a whole number, not a table'],
    ['raft.membership.zombie.purge_interval = 5', 'must be a duration { secs = N, nanos = M }'],
    ['raft.membership.zombie.purge_interval = {}', 'must be a duration { secs = N, nanos = M }'],
    ['raft.membership.zombie.purge_interval.secs = "1"', 'purge_interval.secs must be a whole'],
  ])('%s', (toml, text) => {
    const messages = messagesOf(() => loadText(toml));
    expect(messages).toHaveLength(1);
    expect(messages[0]).toContain(text);
  });
});

describe('a value out of range is refused with the bounds', () => {
  test.each([
    ['cluster.node_id = 0', 'cluster.node_id = 0 is out of range: it must be from 1 to 4294967295'],
    ['cluster.node_id = 4294967296', 'it must be from 1 to 4294967295'],
    ['raft.general_raft_timeout_duration_in_ms = 0', 'it must be from 1 to 2147483647'],
    ['raft.general_raft_timeout_duration_in_ms = 2147483648', 'is out of range'],
    ['raft.state_machine.lease.cleanup_interval_ms = 99', 'it must be from 100 to 3600000'],
    ['raft.backpressure.max_pending_writes = -1', 'it must be at least 0'],
    ['raft.backpressure.max_pending_writes = 9223372036854775807', 'is out of range'],
    ['raft.membership.zombie.purge_interval = { nanos = 1_000_000_000 }', 'from 0 to 999999999'],
    ['raft.membership.zombie.purge_interval = { secs = 0 }', '= 0 ms is out of range'],
    ['limits.max_value_bytes = 3145729', 'it must be from 1 to 3145728'],
  ])('%s', (toml, text) => {
    const [problem] = problemsOf(() => loadText(toml));
    expect(problem?.message).toContain(text);
    expect(problem).toMatchObject({ file: 'n1.toml', line: 1 });
  });
});

test('a bad host:port is refused', () => {
  for (const text of ['9081', 'localhost', 'localhost:0', 'a:65536', 'http://a:1', '::1:9081']) {
    const messages = messagesOf(() => loadText(`cluster.listen_address = "${text}"`));
    expect(messages).toEqual([
      'cluster.listen_address must be host:port with a port from 1 to 65535, ' +
        `such as 127.0.0.1:9081, not "${text}"`,
    ]);
  }
});

test('durations come to milliseconds, and the smallest is not none', () => {
  const zombieOf = (text: string): number => {
    const { config } = loadText(`raft.membership.zombie.purge_interval = ${text}`);
    return config.raft.membership.zombie.purgeIntervalMs;
  };
  expect(zombieOf('{ secs = 30, nanos = 500_000_000 }')).toBe(30_500);
  expect(zombieOf('{ secs = 2 }')).toBe(2000);
  expect(zombieOf('{ nanos = 1 }')).toBe(1);
});

test('a flush policy may leave out one of its numbers, or use the words of v0.2.4', () => {
  const policyOf = (text: string): unknown =>
    loadText(`raft.persistence.flush_policy = ${text}`).config.raft.persistence.flushPolicy;
  expect(policyOf('"Immediate"')).toEqual({ kind: 'immediate' });
  expect(policyOf('{ Batch = { threshold = 5 } }')).toMatchObject({
    threshold: 5,
    intervalMs: 100,
  });
  expect(policyOf('{ Batch = { idle_flush_interval_ms = 900 } }')).toMatchObject({
    kind: 'batch',
    intervalMs: 900,
  });
});
