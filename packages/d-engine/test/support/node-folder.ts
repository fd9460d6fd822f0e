import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { freePorts } from '../../../../tools/cluster/free-ports.ts';
import { NodeProcess } from '../../../../tools/cluster/node-process.ts';
import type { CommandResult } from '../../../../tools/cluster/run-command.ts';
import { runCommand } from '../../../../tools/cluster/run-command.ts';
import { repositoryRoot } from './cluster-kit.ts';

/** The parts of a config file that the tests of bad input turn wrong, one at a time. */
export interface ConfigParts {
  readonly nodeId?: number | string;
  readonly port?: number;
  /** Entries of initial_cluster; the node alone when absent. */
  readonly members?: readonly string[];
  /** Follows the cluster section's own keys. */
  readonly more?: string;
}

/** A folder in which nodes are started, as a user's shell would; it ends with the test. */
export class NodeFolder {
  readonly path: string;
  readonly port: number;
  readonly metricsPort: number;

  static async create(): Promise<NodeFolder> {
    const [port, metricsPort] = await freePorts(2);
    return new NodeFolder(port as number, metricsPort as number);
  }

  private constructor(port: number, metricsPort: number) {
    this.port = port;
    this.metricsPort = metricsPort;
    this.path = mkdtempSync(join(tmpdir(), 'd-engine-node-'));
    mkdirSync(join(this.path, 'config'));
    onTestFinished(() => rmSync(this.path, { recursive: true, force: true }));
  }

  write(name: string, text: string): string {
    writeFileSync(join(this.path, name), text);
    return name;
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), 'utf8');
  }

  /** Writes `config/bad.toml`, or another name; returns its path below the folder. */
  config(parts: ConfigParts = {}, name = 'config/bad.toml'): string {
    const { nodeId = 1, port = this.port, more = '' } = parts;
    const address = `127.0.0.1:${port}`;
    const members = parts.members ?? [member(1, address)];
    const lines = [
      '[cluster]',
      `node_id = ${nodeId}`,
      `listen_address = "${address}"`,
      `initial_cluster = [${members.join(', ')}]`,
      more,
    ];
    return this.write(name, `${lines.join('\n')}\n`);
  }

  get environment(): Record<string, string> {
    return { METRICS_PORT: String(this.metricsPort), LOG_LEVEL: 'info', LOG_DIR: './logs' };
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** A single node that runs on the config, and leads; it ends with the test. */
  async start(configPath: string): Promise<NodeProcess> {
    const { path: cwd, environment } = this;
    const node = new NodeProcess({ root: repositoryRoot, configPath, cwd, environment });
    onTestFinished(async () => {
      await node.end('SIGKILL');
    });
    for (let waits = 0; !node.output.includes('Became leader'); waits++) {
      if (waits === 400) throw new Error(`the node does not start:\n${node.output}`);
      await delay(50);
    }
    return node;
  }

  /** `d-engine ARGUMENTS` to its end, in this folder. */
  run(...args: readonly string[]): Promise<CommandResult> {
    return this.runWith({}, ...args);
  }

  runWith(
    environment: Readonly<Record<string, string>>,
    ...args: readonly string[]
  ): Promise<CommandResult> {
    const options = { root: repositoryRoot, cwd: this.path };
    return runCommand(
      { ...options, environment: { ...this.environment, ...environment } },
      ...args,
    );
  }
}

export function member(id: number, address: string, role = 1, status = 2): string {
  return `{ id = ${id}, address = "${address}", role = ${role}, status = ${status} }`;
}
