import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EmbeddedOptions, LeaderInfo, LogFields, Logger } from 'd-engine';
import { DEngineError, EmbeddedEngine, MetricsRegistry } from 'd-engine';
import { connect } from 'd-engine/client';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { freePorts } from '../../../tools/cluster/free-ports.ts';

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'd-engine-embedded-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function listLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const add = (message: string, fields?: LogFields): void => {
    lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  };
  const enabled = (): boolean => true;
  return { lines, enabled, trace: add, debug: add, info: add, warn: add, error: add, always: add };
}

async function start(dataDir: string, options: EmbeddedOptions): Promise<EmbeddedEngine> {
  const engine = await EmbeddedEngine.start({ dataDir, environment: {}, ...options });
  onTestFinished(() => engine.stop());
  return engine;
}

describe.each(['host', 'worker'] as const)('an engine on the thread of the %s', (thread) => {
  test('is a store of one member in a directory, without a port', async () => {
    const dataDir = join(newFolder(), 'data');
    const engine = await start(dataDir, { thread });
    const leader = await engine.waitReady();
    expect(leader).toMatchObject({ id: 1, term: 1 });
    expect(engine.isLeader).toBe(true);
    expect(engine.leaderInfo).toEqual(leader);
    expect(engine.address).toBeUndefined();
    const client = engine.client();
    const { revision } = await client.put('greeting', Buffer.from('hello'));
    expect(await client.get('greeting')).toMatchObject({ modRevision: revision, version: 1 });
    expect(text((await client.get('greeting'))?.value)).toBe('hello');
    expect(await client.compareAndSwap('greeting', 'other', 'x')).toMatchObject({
      succeeded: false,
    });
    expect(await client.get('absent')).toBeNull();
    expect(await client.status()).toMatchObject({ nodeId: 1, role: 'leader' });
    expect(existsSync(join(dataDir, 'logs/1/d.log'))).toBe(true);
    await engine.stop();
    await engine.stop();
    expect(await engine.closed).toBeUndefined();
    expect([engine.isStopped, engine.isLeader, engine.leaderInfo]).toEqual([
      true,
      false,
      undefined,
    ]);
    await expect(client.put('late', 'x')).rejects.toMatchObject({ name: 'Stopped' });
    await expect(engine.waitReady()).rejects.toMatchObject({ name: 'Stopped' });

    const again = await start(dataDir, { thread });
    expect(text((await again.client().get('greeting'))?.value)).toBe('hello');
  });

  test('is a guest: no signal handler, no output, no exit', async () => {
    const writes = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')];
    const exits = vi.spyOn(process, 'exit');
    const handlers = (): number[] =>
      ['SIGINT', 'SIGTERM', 'SIGHUP', 'uncaughtException', 'unhandledRejection', 'exit'].map(
        (event) => process.listenerCount(event),
      );
    const before = handlers();
    const engine = await start(newFolder(), { thread });
    await engine.client().put('here', 'value');
    expect(handlers()).toEqual(before);
    await engine.stop();
    const calls = [...writes, exits].flatMap((spy) => spy.mock.calls as unknown[][]);
    for (const spy of [...writes, exits]) spy.mockRestore();
    expect(calls).toEqual([]);
  });

  test('logs and counts where the host wants it', async () => {
    const logger = listLogger();
    const metrics = new MetricsRegistry();
    const dataDir = newFolder();
    const engine = await start(dataDir, { thread, logger, metrics });
    await engine.client().put('here', 'value');
    const rendered = await engine.renderMetrics();
    expect(rendered).toBe(metrics.render());
    expect(rendered).toMatch(/^d_engine_applied_index [1-9]/m);
    await engine.stop();
    expect(logger.lines.join('\n')).toContain('Became leader');
    expect(existsSync(join(dataDir, 'logs'))).toBe(false);
  });

  test('that cannot start says all that is wrong, and the host lives on', async () => {
    const wrong = { cluster: { node_id: 0, listen_adress: '127.0.0.1:1' } };
    const started = EmbeddedEngine.start({ config: wrong, environment: {}, thread });
    const error: unknown = await started.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'ConfigError' });
    expect(String(error)).toContain('listen_address');
    const missing = EmbeddedEngine.start({ configPath: '/no/such', environment: {}, thread });
    await expect(missing).rejects.toThrow('config file not found');
    const dataDir = newFolder();
    await start(dataDir, { thread });
    await expect(start(dataDir, { thread })).rejects.toThrow(/is in use by process/);
  });

  test('an abort and a deadline end a call that waits', async () => {
    const [port, other] = await freePorts(2);
    const config = {
      cluster: {
        listen_address: `127.0.0.1:${port}`,
        initial_cluster: [
          { id: 1, address: `127.0.0.1:${port}`, role: 1, status: 2 },
          { id: 2, address: `127.0.0.1:${other}`, role: 1, status: 2 },
        ],
        db_root_dir: join(newFolder(), 'data'),
        log_dir: newFolder(),
      },
    };
    const engine = await EmbeddedEngine.start({ config, environment: {}, thread });
    onTestFinished(() => engine.stop());
    expect(engine.address).toBe(`127.0.0.1:${port}`);
    await expect(engine.waitReady({ timeoutMs: 50 })).rejects.toThrow(/reaches 1 of 2 voters/);
    const abort = new AbortController();
    const put = engine.client().put('a', 'b', { signal: abort.signal });
    abort.abort(new Error('no longer wanted'));
    await expect(put).rejects.toMatchObject({
      name: 'ProposeFailed',
      cause: { message: 'no longer wanted' },
    });
    const late = engine.client().put('a', 'b', { deadlineMs: 30 });
    await expect(late).rejects.toMatchObject({ name: 'ClusterUnavailable', retryable: true });
    const ended = AbortSignal.abort(new Error('gone before'));
    await expect(engine.client().get('a', { signal: ended })).rejects.toThrow('gone before');
  });

  test('follows leader and members: a lone member forms a cluster of itself', async () => {
    const engine = await start(newFolder(), { thread });
    const leaders: unknown[] = [];
    const forget = engine.onLeaderChange((leader) => {
      leaders.push(leader?.id);
      throw new Error('the host made a mistake');
    });
    const watch = engine.watchMembership()[Symbol.asyncIterator]();
    const first = await watch.next();
    expect(first.value).toEqual({
      members: [{ id: 1, address: '127.0.0.1:9081', role: 'voter', status: 'active' }],
    });
    await engine.waitReady();
    await engine.stop();
    for (let next = await watch.next(); next.done !== true; next = await watch.next()) {
      expect(next.value.members).toHaveLength(1);
    }
    expect(leaders.at(-1)).toBeUndefined();
    forget();
    const aborted = engine.watchMembership({ signal: AbortSignal.abort(new Error('enough')) });
    await expect(aborted[Symbol.asyncIterator]().next()).rejects.toThrow('enough');
  });

  test('serves clients by the address that its configuration names', async () => {
    const [port] = await freePorts(1);
    const dataDir = newFolder();
    const environment = { RAFT__CLUSTER__LISTEN_ADDRESS: `127.0.0.1:${port}` };
    const engine = await start(dataDir, { thread, environment });
    expect(engine.address).toBe(`127.0.0.1:${port}`);
    await engine.client().put('shared', 'value');
    const client = connect({ endpoints: [engine.address as string] });
    expect(text((await client.get('shared'))?.value)).toBe('value');
    await client.close();
  });
});

test('a stalled event loop is logged and counted once', async () => {
  const logger = listLogger();
  const engine = await start(newFolder(), { logger });
  await engine.waitReady();
  const metrics = async (): Promise<string> => engine.renderMetrics();
  expect(await metrics()).toContain('d_engine_event_loop_stalls_total 0');
  const until = performance.now() + 800;
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await metrics()).toContain('d_engine_event_loop_stalls_total 1');
  const told = logger.lines.filter((line) => /^event loop blocked \d+ ms/.test(line));
  expect(told).toHaveLength(1);
});

function clusterConfig(ids: readonly number[], ports: readonly number[], nodeId: number) {
  const at = (id: number): string => `127.0.0.1:${ports[ids.indexOf(id)]}`;
  const folder = newFolder();
  return {
    cluster: {
      node_id: nodeId,
      listen_address: at(nodeId),
      initial_cluster: ids.map((id) => ({ id, address: at(id), role: 1, status: 2 })),
      db_root_dir: join(folder, 'data'),
      log_dir: join(folder, 'logs'),
    },
    raft: { election: { election_timeout_min: 400, election_timeout_max: 800 } },
  };
}

test('a host that blocks its event loop causes no election', async () => {
  const ids = [1, 2, 3];
  const ports = await freePorts(3);
  const run = async (nodeId: number, thread: 'host' | 'worker'): Promise<EmbeddedEngine> => {
    const config = clusterConfig(ids, ports, nodeId);
    const engine = await EmbeddedEngine.start({ config, environment: {}, thread });
    onTestFinished(() => engine.stop());
    return engine;
  };
  const first = await run(1, 'worker');
  const second = await run(2, 'worker');
  const leader = await first.waitReady();
  const host = await run(3, 'host');
  expect(await host.waitReady()).toMatchObject({ id: leader.id, term: leader.term });
  const changes: { node: number; leader: LeaderInfo | undefined }[] = [];
  for (const engine of [first, second, host]) {
    engine.onLeaderChange((found) => changes.push({ node: engine.nodeId, leader: found }));
  }
  const until = performance.now() + 2_000;
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  // For a moment it may not know who leads; nobody else ever did, and no term was spent.
  expect(changes.filter(({ leader: other }) => other !== undefined)).toEqual(
    changes.filter(({ leader: other }) => other?.id === leader.id && other.term === leader.term),
  );
  for (const engine of [first, second, host]) {
    expect(engine.leaderInfo).toMatchObject({ id: leader.id, term: leader.term });
  }
  const forwarded = await host.client().put('by the host', 'x');
  const minRevision = forwarded.revision;
  const read = await second.client().get('by the host', { consistency: 'eventual', minRevision });
  expect(text(read?.value)).toBe('x');
});

test.each(['host', 'worker'] as const)(
  'what is fatal to an engine on the thread of the %s ends its calls, and not the host',
  async (thread) => {
    const dataDir = join(newFolder(), 'data');
    const logger = listLogger();
    const engine = await EmbeddedEngine.start({ dataDir, environment: {}, thread, logger });
    await engine.waitReady();
    // In one step: the next log file is being made in it.
    renameSync(dataDir, `${dataDir}-gone`);
    const value = new Uint8Array(3_000_000);
    const writeUntilRefused = async (): Promise<void> => {
      for (;;) await engine.client().put('large', value);
    };
    await expect(writeUntilRefused()).rejects.toBeInstanceOf(DEngineError);
    const reason = await engine.closed;
    expect(reason?.message).toContain(dataDir);
    await expect(engine.client().get('large')).rejects.toMatchObject({ name: 'Stopped' });
    expect(logger.lines.join('\n')).toContain('a failure stopped this node');
    await engine.stop();
  },
);

test('a data directory holds all that a lone engine writes', async () => {
  const dataDir = newFolder();
  const engine = await start(dataDir, {});
  await engine.waitReady();
  expect(readFileSync(join(dataDir, 'logs/1/d.log'), 'utf8')).toContain('Became leader');
});
