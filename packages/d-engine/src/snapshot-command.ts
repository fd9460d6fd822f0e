import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { describeError, silentLogger } from '@d-engine/base';
import { splitAddress } from '@d-engine/node';
import type { SnapshotInfo } from '@d-engine/storage';
import { restoreSnapshot, verifySnapshotFile } from '@d-engine/storage';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { asksCluster } from './client-flags.ts';
import type { NodeConfig } from './config/index.ts';
import { ConfigError, loadConfig } from './config/index.ts';
import { RealCompute, RealDisk } from './env/index.ts';
import { exitCodes } from './run-process.ts';

const hourMs = 3_600_000;
const unfinishedSuffix = '.unfinished';

/**
 * `d-engine snapshot save|verify|restore`: the state of a running cluster as one file, and a new
 * cluster from such a file. Exit codes: 0 done, 1 the file is damaged or nobody answered, 2 it was
 * not tried.
 */
export function addSnapshotCommands(program: Command): void {
  const snapshot = program
    .command('snapshot')
    .description('save the state of a cluster in a file, and make a new cluster of it');
  const save = snapshot
    .command('save')
    .argument('<file>', 'a new one', newFile)
    .description('ask a running cluster for its state, and keep it in a new file');
  asksCluster(save, hourMs, (client, [file], deadlineMs) => {
    return saveSnapshot(client.snapshot({ deadlineMs }), file as string);
  });
  snapshot
    .command('verify <file>')
    .description('check every byte of a saved file; changes nothing')
    .action((file: string) => guarded(() => verify(file)));
  snapshot
    .command('restore <file>')
    .description('make the data directory of a new cluster with one member, this node')
    .option('--config <path>', 'of this node; .toml may be left out (default: CONFIG_PATH)')
    .option('--data-dir <directory>', 'for a node that runs on defaults with this directory')
    .action((file: string, flags: RestoreFlags) => guarded(() => restore(file, flags)));
}

interface RestoreFlags {
  readonly config?: string;
  readonly dataDir?: string;
}

async function guarded(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    const what = error instanceof ConfigError ? error.message : describeError(error);
    process.stderr.write(`d-engine: ${what}\n`);
    process.exitCode = error instanceof Refused ? exitCodes.cannotStart : exitCodes.fatal;
  }
}

/** Nothing was touched. */
class Refused extends Error {}

function newFile(file: string): string {
  if (!existsSync(file)) return file;
  throw new InvalidArgumentError('it is there already: choose another name.');
}

async function saveSnapshot(parts: AsyncIterable<Uint8Array>, file: string): Promise<void> {
  const disk = new RealDisk();
  const unfinished = file + unfinishedSuffix;
  try {
    const handle = await open(unfinished, 'wx');
    try {
      for await (const bytes of parts) await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    const info = await verifySnapshotFile(disk, new RealCompute(), unfinished);
    await disk.rename(unfinished, file);
    await disk.syncDirectory(dirname(file));
    print(describe('saved', file, info));
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  } finally {
    await disk.close();
  }
}

async function verify(file: string): Promise<void> {
  const disk = new RealDisk();
  try {
    print(describe('whole', file, await verifySnapshotFile(disk, new RealCompute(), file)));
  } finally {
    await disk.close();
  }
}

/**
 * The directories get their names only when all is in them: a restore that was cut short leaves
 * nothing that a node would start on.
 */
async function restore(file: string, flags: RestoreFlags): Promise<void> {
  const config = configOf(flags);
  const { nodeId, dbRootDir } = config.cluster;
  const snapshots = config.raft.snapshot;
  const inside = !relative(resolve(dbRootDir), resolve(snapshots.directory)).startsWith('..');
  const target = inside ? dbRootDir : snapshots.directory;
  for (const directory of new Set([dbRootDir, target])) refuseUnlessEmpty(directory);
  const unfinished = dbRootDir + unfinishedSuffix;
  await rm(unfinished, { recursive: true, force: true });
  const disk = new RealDisk();
  try {
    const restored = await restoreSnapshot({
      path: file,
      storage: {
        disk,
        compute: new RealCompute(),
        directory: unfinished,
        nodeId,
        logger: silentLogger,
        snapshots: {
          directory: inside
            ? resolve(unfinished, relative(resolve(dbRootDir), resolve(snapshots.directory)))
            : snapshots.directory,
          prefix: snapshots.directoryPrefix,
          compress: config.raft.compression.snapshotResponse,
        },
      },
      address: ownAddress(config),
      newId: () => randomBytes(16).toString('hex'),
      nowWallMs: Date.now(),
    });
    await disk.rename(unfinished, dbRootDir);
    await disk.syncDirectory(dirname(resolve(dbRootDir)));
    const { clusterId, from } = restored;
    print([
      ...describe('restored', dbRootDir, from),
      `cluster ${clusterId}, with node ${nodeId} as its only member: start it, then let the ` +
        'others join it with empty directories',
    ]);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  } finally {
    await disk.close();
  }
}

function configOf({ config: configPath, dataDir }: RestoreFlags): NodeConfig {
  const path = configPath ?? process.env['CONFIG_PATH'];
  const source = dataDir === undefined ? path && { configPath: path } : { dataDir };
  if (
    source === undefined ||
    source === '' ||
    (configPath !== undefined && dataDir !== undefined)
  ) {
    throw new Refused('restore needs either --config (or CONFIG_PATH) or --data-dir');
  }
  try {
    return loadConfig({ ...source, environment: process.env, readFile: readOptional }).config;
  } catch (error) {
    if (error instanceof ConfigError) throw new Refused(error.message);
    throw error;
  }
}

function readOptional(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function refuseUnlessEmpty(directory: string): void {
  if (!existsSync(directory) || readdirSync(directory).length === 0) return;
  const message = `${directory} is not empty: move it away first, it may hold the newer state`;
  throw new Refused(message);
}

/** By which others reach this node. */
function ownAddress({ cluster }: NodeConfig): string {
  const listed = cluster.members.find(({ id }) => id === cluster.nodeId);
  const { host, port } = splitAddress(listed?.address ?? cluster.listenAddress);
  return cluster.advertiseAddress ?? `${host}:${port}`;
}

function describe(what: string, path: string, info: SnapshotInfo): string[] {
  const { header, keyCount, lengthBytes, sha256 } = info;
  return [
    `${what}: ${path}`,
    `entry ${header.index} of term ${header.term}, cluster ${header.clusterId}`,
    `${keyCount} keys, ${lengthBytes} bytes, SHA-256 ${sha256}`,
  ];
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
