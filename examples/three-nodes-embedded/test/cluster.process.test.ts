import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { freePorts } from '../../../tools/cluster/free-ports.ts';
import { httpCall } from '../../../tools/cluster/http-call.ts';

const folder = join(import.meta.dirname, '..');
const ids = [1, 2, 3];

interface RunningNode {
  readonly id: number;
  readonly child: ChildProcess;
  readonly service: string;
  readonly health: string;
}

async function startNodes(): Promise<RunningNode[]> {
  const data = mkdtempSync(join(tmpdir(), 'three-nodes-'));
  const ports = await freePorts(9);
  const members = ids.map((id, at) => ({
    id,
    address: `127.0.0.1:${ports[at]}`,
    role: 1,
    status: 2,
  }));
  const nodes = ids.map((id, at) => {
    const [peer, service, health] = [0, 3, 6].map((offset) => ports[at + offset]);
    const child = spawn(process.execPath, ['../../tools/run-ts.mjs', 'src/main.ts', String(id)], {
      cwd: folder,
      env: {
        ...process.env,
        SERVICE_PORT: String(service),
        HEALTH_PORT: String(health),
        LOG_DIR: join(data, 'logs'),
        RAFT__CLUSTER__LISTEN_ADDRESS: `127.0.0.1:${peer}`,
        RAFT__CLUSTER__INITIAL_CLUSTER: JSON.stringify(members),
        RAFT__CLUSTER__DB_ROOT_DIR: join(data, String(id)),
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return { id, child, service: `127.0.0.1:${service}`, health: `127.0.0.1:${health}` };
  });
  onTestFinished(async () => {
    for (const { child } of nodes) child.kill('SIGTERM');
    await Promise.all(nodes.map(({ child }) => ended(child)));
    rmSync(data, { recursive: true, force: true });
  });
  return nodes;
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    await new Promise((resolve) => child.once('exit', resolve));
  }
  return child.exitCode;
}

async function statusOf(address: string, method: string, path: string, body?: string) {
  try {
    const { status, text } = await httpCall(
      address,
      method,
      path,
      body === undefined ? {} : { body },
    );
    return { status, text };
  } catch {
    // Not listening yet, or any more.
    return { status: 0, text: '' };
  }
}

/** The node whose `/primary` is 200, once there is one. */
async function primaryOf(nodes: readonly RunningNode[]): Promise<RunningNode> {
  let found: RunningNode | undefined;
  await expect
    .poll(
      async () => {
        const all = await Promise.all(nodes.map((n) => statusOf(n.health, 'GET', '/primary')));
        found = nodes[all.findIndex(({ status }) => status === 200)];
        return found?.id;
      },
      { timeout: 60_000, interval: 200 },
    )
    .toBeDefined();
  return found as RunningNode;
}

test('any node takes writes, health tells who leads, and one may be lost', async () => {
  const nodes = await startNodes();
  const leader = await primaryOf(nodes);
  const others = nodes.filter((node) => node !== leader);
  for (const { health } of others) {
    await expect
      .poll(async () => (await statusOf(health, 'GET', '/replica')).status, { timeout: 10_000 })
      .toBe(200);
  }
  expect((await statusOf(leader.health, 'GET', '/replica')).status).toBe(503);

  const follower = others[0] as RunningNode;
  const pair = JSON.stringify({ key: 'greeting', value: 'hello' });
  expect(await statusOf(follower.service, 'POST', '/kv', pair)).toEqual({
    status: 200,
    text: '{}\n',
  });
  for (const { service } of nodes) {
    await expect
      .poll(async () => (await statusOf(service, 'GET', '/kv/greeting')).text)
      .toBe('{"value":"hello"}\n');
  }
  expect((await statusOf(follower.service, 'GET', '/kv/absent')).text).toBe('{"value":null}\n');
  expect((await statusOf(follower.service, 'POST', '/kv', '{')).status).toBe(400);

  leader.child.kill('SIGKILL');
  expect(await primaryOf(others)).not.toBe(leader);
  const later = JSON.stringify({ key: 'greeting', value: 'again' });
  expect((await statusOf(follower.service, 'POST', '/kv', later)).status).toBe(200);
  for (const { child } of others) child.kill('SIGTERM');
  expect(await Promise.all(others.map(({ child }) => ended(child)))).toEqual([0, 0]);
});
