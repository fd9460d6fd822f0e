import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takenPorts } from '../src/nodes.ts';
import { runningNodePids } from '../src/processes.ts';
import { directory, eventually, putAside, putBack, run, Terminal, type } from './terminal.ts';

// The guide's commands, typed one by one as a new user types them. They name ports, so the test can
// only run where these are free.

const electionTimeoutMaxMs = 2_000;
const reasonNotToRun = await findReasonNotToRun();
if (reasonNotToRun !== undefined) console.log(`not run: ${reasonNotToRun}`);

async function findReasonNotToRun(): Promise<string | undefined> {
  for (const tool of ['curl', 'pgrep']) {
    if (spawnSync(tool, ['--version']).error !== undefined) return `${tool} missing`;
  }
  const [port] = await takenPorts();
  return port === undefined ? undefined : `port ${port} is taken`;
}

/** The one process that `pkill -f` would end: found by the guide's pattern, ended by its pid. */
async function pidOf(node: number): Promise<number> {
  const { output } = await run('pgrep', ['-f', `CONFIG_PATH=config/n${node}`]);
  // Never 0, which stands for the whole process group of the test.
  const pids = output
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0);
  expect(pids, `who matches CONFIG_PATH=config/n${node}`).toHaveLength(1);
  return pids[0] as number;
}

/** Node and term of the newest line, as the guide's grep finds it. */
async function newestLeader(): Promise<{ node: number; term: number }> {
  const { output } = await type('grep -r "Became leader" logs/');
  const found = [...output.matchAll(/^logs\/(\d)\/d\.log:.* Became leader node=\1 term=(\d+)$/gm)];
  const leaders = found.map(([, node, term]) => ({ node: Number(node), term: Number(term) }));
  return leaders.reduce((newest, next) => (next.term > newest.term ? next : newest));
}

async function nextLeader(after: number): Promise<{ node: number; term: number }> {
  const startedMs = performance.now();
  const leader = await eventually('a new leader', 5 * electionTimeoutMaxMs, async () => {
    const newest = await newestLeader();
    return newest.term > after ? newest : undefined;
  });
  expect(performance.now() - startedMs).toBeLessThan(5 * electionTimeoutMaxMs);
  return leader;
}

function put(node: number, value: string): string {
  return (
    `curl -sS -X POST http://localhost:${9080 + node}/put ` +
    `-H "Content-Type: application/json" -d '{"key": "test-key", "value": "${value}"}'`
  );
}

describe.skipIf(reasonNotToRun !== undefined)('the guide', () => {
  let cluster: Terminal;
  let single: Terminal | undefined;
  let leader = { node: 0, term: 0 };
  /** The node that was ended first, and later started by hand. */
  let first = 0;
  const others = (...without: number[]): number[] => [1, 2, 3].filter((n) => !without.includes(n));

  beforeAll(putAside);
  afterAll(() => {
    for (const pid of runningNodePids(directory)) process.kill(pid, 'SIGKILL');
    putBack();
  });

  it('make start-cluster: a line per node, then who leads and what to try', async () => {
    cluster = new Terminal('make start-cluster');
    const [, named] = await cluster.until(/^cluster ready, leader (\d), try: curl .*test-key/m);
    for (const n of [1, 2, 3]) {
      const line = `node ${n}: 0.0.0.0:908${n}, metrics 808${n}, log logs/${n}/d.log, pid `;
      expect(cluster.output).toContain(`${line}${await pidOf(n)}`);
    }
    leader = await newestLeader();
    expect(leader.node).toBe(Number(named));
  });

  it('tail logs/N/d.log: each node writes its own', async () => {
    for (const n of [1, 2, 3]) {
      const { output } = await type(`tail -n 1000 logs/${n}/d.log`);
      expect(output).toMatch(/^---- started \S+ pid=\d+ ----$/m);
    }
  });

  it('curl put: on every node, leader or not', async () => {
    for (const n of [1, 2, 3]) {
      expect((await type(put(n, `by ${n}`))).output).toMatch(/^\{"revision":\d+\}\n$/);
    }
    expect((await type(put(1, 'test-value'))).output).toContain('"revision"');
  });

  it('curl get: a lease read, a linearizable one, the address in quotes or not', async () => {
    const bare = await type('curl -sS http://localhost:9081/get?key=test-key');
    expect(JSON.parse(bare.output)).toMatchObject({ value: 'test-value', consistency: 'lease' });
    for (const n of [1, 2, 3]) {
      const url = `http://localhost:908${n}/get?key=test-key&consistency=linearizable`;
      const quoted = await type(`curl -sS '${url}'`);
      const expected = { value: 'test-value', consistency: 'linearizable' };
      expect(JSON.parse(quoted.output)).toMatchObject(expected);
      // As the guide prints it: the shell takes & for "in the background", and cuts the address.
      const unquoted = await type(`curl -sS ${url}\nwait`);
      expect(JSON.parse(unquoted.output)).toMatchObject({ value: 'test-value' });
    }
  });

  it('ps aux | grep demo: shows the three nodes', async () => {
    const { output } = await type('ps aux | grep demo');
    for (const n of [1, 2, 3]) {
      expect(output).toContain(`node target/release/demo CONFIG_PATH=config/n${n}\n`);
    }
  });

  it('make clean-log-db, start-cluster and start-node1 refuse while the nodes run', async () => {
    const pids = await Promise.all([1, 2, 3].map(pidOf));
    const clean = await type('make clean-log-db');
    expect(clean.code).not.toBe(0);
    for (const pid of pids) expect(clean.output).toContain(String(pid));
    expect(existsSync(join(directory, 'db/1'))).toBe(true);
    const again = await type('make start-cluster');
    expect(again.code).not.toBe(0);
    expect(again.output).toMatch(/ports of the nodes are taken/);
    for (const pid of pids) expect(again.output).toContain(`pid ${pid}`);
    const one = await type('make start-node1');
    expect(one.code).not.toBe(0);
    expect(one.output).toContain(`in use by process ${pids[0]}`);
  });

  it('curl /metrics: counts what was written, forwarded and read', async () => {
    const follower = others(leader.node)[0] as number;
    const { output } = await type(`curl -sS http://localhost:808${follower}/metrics`);
    const counted = (name: string): number =>
      Number(new RegExp(`^d_engine_${name} (\\d+)$`, 'm').exec(output)?.[1]);
    expect(counted('writes_total')).toBeGreaterThan(0);
    expect(counted('forwards_total')).toBe(counted('writes_total'));
    expect(counted('write_failures_total')).toBe(0);
    expect(counted('reads_total')).toBeGreaterThan(0);
    expect(counted('leader_changes_total')).toBe(1);
  });

  it('the leader is stopped: another one leads, writes go on, the logs say why', async () => {
    first = leader.node;
    process.kill(await pidOf(first), 'SIGTERM');
    leader = await nextLeader(leader.term);
    expect(leader.node).not.toBe(first);
    await cluster.until(
      new RegExp(`^node ${first} ended \\(exit code 0\\); the others go on$`, 'm'),
    );
    const { output } = await type('grep "connection" logs/*/d.log');
    const lost = new RegExp(`connection to peer ${first} \\(127.0.0.1:908${first}\\) lost`);
    expect(output).toMatch(lost);
    for (const n of others(first)) {
      expect((await type(put(n, 'after the stop'))).output).toContain('"revision"');
      const url = `http://localhost:908${n}/get?key=test-key&consistency=linearizable`;
      const read = await type(`curl -sS '${url}'`);
      expect(JSON.parse(read.output)).toMatchObject({ value: 'after the stop' });
    }
  });

  it('make start-nodeN: brings it back by hand; nothing but the node bears its name', async () => {
    const node = first;
    single = new Terminal(`LOG_LEVEL=info make start-node${node}`);
    await single.until(/ INFO node started /);
    await pidOf(node);
    await eventually('the node to be ready', 10_000, async () => {
      const { output } = await type(`curl -sS http://localhost:808${node}/ready`);
      return output.includes('"status":"ok"') ? true : undefined;
    });
    const read = await type(
      `curl -sS 'http://localhost:908${node}/get?key=test-key&consistency=linearizable'`,
    );
    expect(JSON.parse(read.output)).toMatchObject({ value: 'after the stop' });
    // At warn, as before, it said nothing of these.
    const lines = await type(`grep -c " INFO state " logs/${node}/d.log`);
    expect(Number(lines.output)).toBeGreaterThan(0);
  });

  it('the leader is killed: the two others elect one of them', async () => {
    const killed = leader.node;
    process.kill(await pidOf(killed), 'SIGKILL');
    leader = await nextLeader(leader.term);
    expect(leader.node).not.toBe(killed);
    expect((await type(put(leader.node, 'after the kill'))).output).toContain('"revision"');
  });

  it('Ctrl-C stops start-cluster and start-nodeN; one node alone says why not', async () => {
    // Two of three run: one of start-cluster's, and the one that was started by hand.
    cluster.interrupt();
    await cluster.exited;
    expect(cluster.output).toMatch(/^stopping all nodes, Ctrl-C again to stop at once$/m);
    expect(cluster.output).toMatch(/^all nodes stopped$/m);
    // A leader that is left alone steps down first; until then a write is in doubt (4006).
    await eventually('the node to know no leader', 10_000, async () => {
      const { output } = await type(`curl -sS http://localhost:908${first}/status`);
      return output.includes('"leader":null') ? true : undefined;
    });
    const refused = await type(put(first, 'nobody agrees'));
    expect(JSON.parse(refused.output)).toMatchObject({
      error: { code: 4005, may_have_been_applied: false },
    });
    expect(refused.output).toContain('a quorum needs 2');
    single?.interrupt();
    await single?.exited;
    expect(runningNodePids(directory)).toEqual([]);
  });

  it('LOG_LEVEL=debug make start-cluster: more lines; two Ctrl-C end a stuck node', async () => {
    cluster = new Terminal('LOG_LEVEL=debug make start-cluster');
    await cluster.until(/^cluster ready/m);
    const read = await type('curl -sS http://localhost:9081/get?key=test-key');
    expect(JSON.parse(read.output)).toMatchObject({ value: 'after the kill' });
    const { output } = await type('grep -h " INFO state " logs/*/d.log');
    expect(output).toContain(' role=leader ');
    process.kill(await pidOf(1), 'SIGSTOP');
    cluster.interrupt();
    await cluster.until(/^stopping all nodes/m);
    cluster.interrupt();
    await cluster.exited;
    await eventually('the end of all nodes', 5_000, () =>
      runningNodePids(directory).length === 0 ? true : undefined,
    );
  });

  it('make clean-log-db: removes logs and databases, keeps the build', async () => {
    expect(await type('make clean-log-db')).toEqual({ code: 0, output: 'removed db, logs\n' });
    expect(existsSync(join(directory, 'db'))).toBe(false);
    expect(existsSync(join(directory, 'logs'))).toBe(false);
    expect(existsSync(join(directory, 'target/release/demo'))).toBe(true);
  });
});
