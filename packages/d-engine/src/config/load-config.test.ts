import { describe, expect, test } from 'vitest';
import { ConfigError } from './config-error.ts';
import { type LoadConfigOptions, loadConfig } from './load-config.ts';
import { loadEnvironment, loadText, messagesOf, problemsOf } from './test-support.ts';

const files = new Map([
  ['config/n1.toml', '[cluster]\nnode_id = 1\n'],
  ['config/n2.toml', '[cluster]\nnode_id = 2\n'],
  ['plain', '[cluster]\nnode_id = 3\n'],
]);

function load(options: Partial<LoadConfigOptions>) {
  return loadConfig({ environment: {}, readFile: (path) => files.get(path), ...options });
}

describe('which file', () => {
  test('no file and no variable: a single node on loopback', () => {
    const { config, warnings, source } = load({});
    expect(config.cluster).toEqual({
      nodeId: 1,
      listenAddress: '127.0.0.1:9081',
      advertiseAddress: undefined,
      members: [{ id: 1, address: '127.0.0.1:9081', role: 'voter', promotable: false }],
      dbRootDir: './db/1',
    });
    expect(warnings).toEqual([]);
    expect(source).toEqual({ kind: 'defaults' });
  });

  test('CONFIG_PATH names it, and the extension may be left out', () => {
    const { config, source } = load({ environment: { CONFIG_PATH: 'config/n2' } });
    expect(config.cluster.nodeId).toBe(2);
    expect(source).toEqual({ kind: 'file', path: 'config/n2.toml' });
  });

  test('a file without the extension is found as named', () => {
    expect(load({ configPath: 'plain' }).config.cluster.nodeId).toBe(3);
  });

  test('the argument goes before the variable', () => {
    const loaded = load({ configPath: 'config/n1', environment: { CONFIG_PATH: 'config/n2' } });
    expect(loaded.config.cluster.nodeId).toBe(1);
  });

  test('an empty CONFIG_PATH counts as absent', () => {
    expect(load({ environment: { CONFIG_PATH: ' ' } }).source).toEqual({ kind: 'defaults' });
  });

  test.each([
    ['argument', { configPath: 'config/n9' }],
    ['variable', { environment: { CONFIG_PATH: 'config/n9' } }],
  ])('a named file that is not there is an error: %s', (_, options) => {
    expect(messagesOf(() => load(options))).toEqual([
      'config file not found: config/n9 or config/n9.toml',
    ]);
  });

  test('an object has the keys of a file, under the environment', () => {
    const settings = { cluster: { node_id: 4, db_root_dir: undefined }, raft: { retry: {} } };
    const environment = { CONFIG_PATH: 'config/n2', RAFT__CLUSTER__LOG_DIR: './elsewhere' };
    expect(messagesOf(() => load({ settings }))).toEqual([expect.stringContaining('raft.retry')]);
    const { config, source, warnings } = load({
      settings: { cluster: settings.cluster },
      environment,
    });
    expect(config.cluster).toMatchObject({ nodeId: 4, dbRootDir: './db/4' });
    expect(config.log.directory).toBe('./elsewhere');
    expect(source).toEqual({ kind: 'object' });
    expect(warnings).toEqual(['CONFIG_PATH = config/n2 is ignored: config was given']);
  });

  test('what an object gets wrong is named by its key', () => {
    const settings = { cluster: { node_id: null, initial_cluster: 'n1' } };
    const problems = problemsOf(() => load({ settings }));
    expect(problems.map(({ key }) => key)).toEqual(['cluster.node_id', 'cluster.initial_cluster']);
    const both = { settings: {}, configPath: 'config/n1' };
    expect(messagesOf(() => load(both))).toEqual(['give either configPath or config, not both']);
  });

  test('a member that nobody gave an address or a peer is alone', () => {
    expect(load({}).isAlone).toBe(true);
    const listenAddress = { RAFT__CLUSTER__LISTEN_ADDRESS: '127.0.0.1:9081' };
    expect(load({ environment: listenAddress }).isAlone).toBe(false);
    const members = [1, 2].map((id) => ({ id, address: `127.0.0.1:900${id}`, role: 1, status: 2 }));
    expect(load({ settings: { cluster: { initial_cluster: members } } }).isAlone).toBe(false);
  });

  test('an empty argument is an error, never a fresh node', () => {
    expect(messagesOf(() => load({ configPath: '' }))).toEqual(['configPath is empty']);
    expect(messagesOf(() => load({ dataDir: '' }))).toEqual(['dataDir is empty']);
  });

  test('a directory of the same name does not hide the file', () => {
    const readFile = (path: string): string | undefined => {
      if (path === 'config/n1') throw new Error('EISDIR: illegal operation on a directory');
      return files.get(path);
    };
    expect(load({ configPath: 'config/n1', readFile }).config.cluster.nodeId).toBe(1);
  });

  test('a file that cannot be read is an error with the reason', () => {
    const readFile = (): string => {
      throw new Error('EACCES: permission denied');
    };
    expect(messagesOf(() => load({ configPath: 'a.toml', readFile }))).toEqual([
      'cannot read config file a.toml: EACCES: permission denied',
    ]);
  });
});

describe('dataDir', () => {
  test('replaces the directory and takes the environment, but no file', () => {
    const { config, warnings, source } = load({
      dataDir: './mine',
      environment: {
        CONFIG_PATH: 'config/n2',
        RAFT__CLUSTER__NODE_ID: '7',
        RAFT__CLUSTER__DB_ROOT_DIR: './other',
      },
    });
    expect(config.cluster).toMatchObject({ nodeId: 7, dbRootDir: './mine' });
    expect(config.raft.snapshot.directory).toBe('./mine/snapshots');
    expect(source).toEqual({ kind: 'data-directory', path: './mine' });
    expect(warnings).toEqual(['CONFIG_PATH = config/n2 is ignored: dataDir was given']);
  });

  test('together with configPath is an error', () => {
    expect(messagesOf(() => load({ dataDir: './mine', configPath: 'config/n1' }))).toEqual([
      'give either configPath or dataDir, not both',
    ]);
  });
});

describe('the file', () => {
  test('may begin with a byte order mark and end its lines with CR LF', () => {
    const { config } = loadText('\uFEFF[cluster]\r\nnode_id = 4\r\n');
    expect(config.cluster.nodeId).toBe(4);
  });

  test('may use dotted keys, inline tables and headers alike', () => {
    const dotted = 'raft.election.election_timeout_min = 1500';
    const inline = 'raft = { election = { election_timeout_min = 1_500 } }';
    const header = '[raft.election]\nelection_timeout_min = 1500';
    for (const toml of [dotted, inline, header]) {
      expect(loadText(toml).config.raft.election.timeoutMinMs).toBe(1500);
    }
  });

  test('may be empty', () => {
    expect(loadText('').config).toEqual(loadEnvironment({}).config);
  });
});

describe('errors', () => {
  test('carry a code and all problems', () => {
    const toml = '[cluster]\nnode_id = 0\n[raft.election]\nelection_timeout_min = "x"\nfoo = 1\n';
    const environment = { LOG_LEVEL: 'loud', METRICS_PORT: '70000' };
    const failing = (): unknown => loadText(toml, environment);
    expect(failing).toThrow(ConfigError);
    expect(failing).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(problemsOf(failing).map(({ line, variable }) => line ?? variable)).toEqual([
      2,
      4,
      5,
      'LOG_LEVEL',
      'METRICS_PORT',
    ]);
    expect(failing).toThrow(
      /^5 problems in the configuration:\nn1\.toml:2:1: cluster\.node_id = 0/,
    );
  });

  test('a missing file does not hide what the environment has wrong, nor judges the rest', () => {
    const environment = { RAFT__CLUSTER__NODE_ID: 'x', RAFT__RAFT__ELECTION__FOO: '1' };
    expect(problemsOf(() => load({ configPath: 'gone', environment }))).toHaveLength(3);
  });

  test('one bad value is reported once, not again by the rules that relate it to others', () => {
    const toml = '[raft.election]\nelection_timeout_min = -5\nelection_timeout_max = 900\n';
    expect(messagesOf(() => loadText(toml))).toEqual([
      'raft.election.election_timeout_min = -5 is out of range: it must be from 100 to 2147483647',
    ]);
  });
});

describe('what the surroundings say', () => {
  test('log level, directory and file', () => {
    expect(loadEnvironment({}).config.log).toEqual({
      level: 'warn',
      directory: './logs',
      file: './logs/1/d.log',
    });
    const environment = { LOG_LEVEL: 'DEBUG', LOG_DIR: '/var/log/x/', RAFT__CLUSTER__NODE_ID: '2' };
    expect(loadText('cluster.log_dir = "elsewhere"', environment).config.log).toEqual({
      level: 'debug',
      directory: '/var/log/x/',
      file: '/var/log/x/2/d.log',
    });
    expect(loadText('cluster.log_dir = "elsewhere"').config.log.file).toBe('elsewhere/1/d.log');
  });

  test('a level that does not exist is refused with the list', () => {
    expect(messagesOf(() => loadEnvironment({ LOG_LEVEL: 'loud' }))).toEqual([
      '"loud" is not a log level; known are trace, debug, info, warn, error',
    ]);
  });

  test('metrics port: the variable, or else 9100 + node_id', () => {
    expect(loadEnvironment({ RAFT__CLUSTER__NODE_ID: '3' }).config.metrics.port).toBe(9103);
    expect(loadEnvironment({ METRICS_PORT: '8081' }).config.metrics.port).toBe(8081);
    expect(loadEnvironment({ METRICS_PORT: '0' }).config.metrics.port).toBe(0);
    expect(loadEnvironment({ METRICS_PORT: '' }).config.metrics.port).toBe(9101);
  });

  test.each(['65536', '-1', '80x', '8081.5', '1e3'])('metrics port %s is refused', (port) => {
    expect(problemsOf(() => loadEnvironment({ METRICS_PORT: port }))).toEqual([
      { message: `"${port}" is not a port: it must be from 0 to 65535`, variable: 'METRICS_PORT' },
    ]);
  });

  test('a node id too large for a port of its own picks a free one and says so', () => {
    const { config, warnings } = loadEnvironment({ RAFT__CLUSTER__NODE_ID: '60000' });
    expect(config.metrics.port).toBe(0);
    expect(warnings).toHaveLength(1);
  });
});
