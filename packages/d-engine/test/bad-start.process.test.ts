import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CommandResult } from '../../../tools/cluster/run-command.ts';
import { member, NodeFolder } from './support/node-folder.ts';

/** Where the first member listens: nobody dials it, the config is refused before. */
const elsewhere = '127.0.0.1:9';

/** Nothing but the reason, one line a problem, no stack. */
function expectRefusedStart(result: CommandResult, message: RegExp): void {
  expect(result.stderr).toMatch(message);
  expect(result.stderr).not.toMatch(/^\s+at /m);
  expect(result.code).toBe(2);
}

describe('exit code 2 and the reason, for a config with', () => {
  const cases: [string, RegExp, (folder: NodeFolder) => string][] = [
    [
      'an unknown key: file, line and the nearest key',
      /config\/bad\.toml:5:1: unknown config key cluster\.log_dri; .*nearest .*cluster\.log_dir\n/,
      (folder) => folder.config({ more: 'log_dri = "./logs"' }),
    ],
    [
      'an own id that initial_cluster does not list',
      /config\/bad\.toml:4:1: cluster\.initial_cluster \(members 2, 3\) does not list this node/,
      (folder) => folder.config({ members: [member(2, elsewhere), member(3, '127.0.0.1:10')] }),
    ],
    [
      'two members of one id',
      /config\/bad\.toml:4:\d+: two members of cluster\.initial_cluster have the id 1/,
      (folder) => folder.config({ members: [member(1, elsewhere), member(1, '127.0.0.1:10')] }),
    ],
    [
      'a value out of range, with the range',
      /config\/bad\.toml:6:1: raft\.election\.election_timeout_min = 0 is out of range: .*from 100/,
      (folder) => folder.config({ more: '[raft.election]\nelection_timeout_min = 0' }),
    ],
    [
      'a value of another type',
      /config\/bad\.toml:2:1: cluster\.node_id must be a whole number, not "one"/,
      (folder) => folder.config({ nodeId: '"one"' }),
    ],
    [
      'a role and status outside the table, with the table',
      /role 3 with status 1 of member 1 .*role 1 status 2 or 3: active voter.*role 4 status 1/,
      (folder) => folder.config({ members: [member(1, elsewhere, 3, 1)] }),
    ],
    [
      'malformed TOML, with the line',
      /config\/bad\.toml:2:\d+: not valid TOML/,
      (folder) => folder.write('config/bad.toml', '[cluster]\nnode_id = = 1\n'),
    ],
    [
      'more than one problem: all of them',
      /2 problems in the configuration:\n.*:5:1: unknown config key cluster\.a;?.*\n.*cluster\.b/,
      (folder) => folder.config({ more: 'a = 1\nb = 2' }),
    ],
  ];
  test.each(cases)('%s', async (_name, message, writeConfig) => {
    const folder = await NodeFolder.create();
    const result = await folder.run('run', '--config', writeConfig(folder));
    expectRefusedStart(result, message);
    expect(existsSync(join(folder.path, 'db'))).toBe(false);
  });
});

describe('exit code 2 and the reason, for', () => {
  test('a config file that is not there, never a fresh start', async () => {
    const folder = await NodeFolder.create();
    const result = await folder.run('run', '--config', 'config/n1');
    expectRefusedStart(result, /config file not found: config\/n1 or config\/n1\.toml\n/);
    expect(existsSync(join(folder.path, 'db'))).toBe(false);
  });

  test('an environment variable that is wrong, by its name', async () => {
    const folder = await NodeFolder.create();
    const good = folder.config({}, 'config/n1.toml');
    const wrong = await folder.runWith({ RAFT__CLUSTER__NODE_ID: 'two' }, 'run', '--config', good);
    expectRefusedStart(wrong, /RAFT__CLUSTER__NODE_ID: .*whole number, not "two"/);
    const level = await folder.runWith({ LOG_LEVEL: 'loud' }, 'run', '--config', good);
    expectRefusedStart(level, /LOG_LEVEL: "loud" is not a log level; known are trace, debug/);
  });

  test.each([
    [['run', '--confg', 'x'], /unknown option '--confg'\n.*Did you mean --config/],
    [['run'], /run needs either --config \(or CONFIG_PATH\) or --data-dir/],
    [['rum'], /unknown command 'rum'\n.*Did you mean run/],
    [['put', 'key'], /missing required argument 'value'/],
    [['get', 'key', '--timeout-ms', 'soon'], /'--timeout-ms <ms>' argument 'soon' is invalid/],
    [['get', 'key', '--endpoints', 'nowhere'], /"nowhere" is no address: use host:port/],
  ])('the command line %j', async (args, message) => {
    const folder = await NodeFolder.create();
    expectRefusedStart(await folder.run(...args), message);
  });
});

test('a second process of one directory is turned away, and the first serves on', async () => {
  const folder = await NodeFolder.create();
  const config = folder.config({}, 'config/n1.toml');
  const node = await folder.start(config);
  const second = await folder.run('run', '--config', config);
  expectRefusedStart(second, new RegExp(`db/1 is in use by process ${node.pid}\\. .*PM2`));

  const endpoint = `127.0.0.1:${folder.port}`;
  expect((await folder.run('put', 'k', 'v', '--endpoints', endpoint)).code).toBe(0);

  const sameDirectory = 'db_root_dir = "./db/1"';
  const other = folder.config({ port: folder.metricsPort, more: sameDirectory });
  expectRefusedStart(await folder.run('run', '--config', other), /db\/1 is in use by process/);
});

test('a port that is taken is named, with what to do', async () => {
  const folder = await NodeFolder.create();
  await folder.start(folder.config({}, 'config/n1.toml'));
  const { port, metricsPort } = folder;
  const samePort = folder.config({ more: 'db_root_dir = "./other"' });
  expectRefusedStart(
    await folder.run('run', '--config', samePort),
    new RegExp(`cannot listen on 127.0.0.1:${port}: the port is taken.*choose another port`),
  );
  const next = await NodeFolder.create();
  const sameMetrics = folder.config({ port: next.port, more: 'db_root_dir = "./third"' });
  expectRefusedStart(
    await folder.run('run', '--config', sameMetrics),
    new RegExp(`cannot serve metrics and health on 127.0.0.1:${metricsPort}: set METRICS_PORT`),
  );
});

test("another node's directory is refused and left as it is", async () => {
  const folder = await NodeFolder.create();
  const node = await folder.start(folder.config({}, 'config/n1.toml'));
  expect(await node.end('SIGTERM')).toEqual({ code: 0, signal: null });
  const before = folder.read('db/1/identity.json');
  const members = [member(2, `127.0.0.1:${folder.port}`)];
  const wrong = folder.config({ nodeId: 2, members, more: 'db_root_dir = "./db/1"' });
  const result = await folder.run('run', '--config', wrong);
  expectRefusedStart(result, /db\/1 belongs to node 1, not to node 2: mend node_id or db_root_dir/);
  expect(folder.read('db/1/identity.json')).toBe(before);
});
