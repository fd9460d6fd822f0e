#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import type { ClientApi } from '@d-engine/base';
import { describeError } from '@d-engine/base';
import { Command, InvalidArgumentError } from 'commander';
import type { ClientTls } from './client-tls.ts';
import type { ConnectedClient } from './connect.ts';
import { connect } from './connect.ts';
import { addLogCommands } from './log-command.ts';
import { exitCodes, runProcess } from './run-process.ts';
import { version } from './version.ts';

interface ClientFlags {
  readonly endpoints: string;
  readonly timeoutMs: number;
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly serverName?: string;
}

const program = new Command('d-engine')
  .description('A strongly consistent key-value store on Raft')
  .version(version)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : exitCodes.cannotStart));

program
  .command('run')
  .description('run a node in the foreground')
  .option('--config <path>', 'TOML file; .toml may be left out (default: CONFIG_PATH)')
  .option('--data-dir <directory>', 'run on defaults with the data in this directory')
  .action(async (flags: { config?: string; dataDir?: string }) => {
    const configPath = flags.config ?? process.env['CONFIG_PATH'];
    if (flags.dataDir !== undefined && flags.config === undefined) {
      endProcess(await runProcess({ dataDir: flags.dataDir }));
    } else if (configPath !== undefined && flags.dataDir === undefined) {
      endProcess(await runProcess({ configPath }));
    } else {
      program.error('error: run needs either --config (or CONFIG_PATH) or --data-dir');
    }
  });

clientCommand('put <key> <value>', 'write a key', async (client, [key, value]) => {
  print(await client.put(key as string, value as string));
});
clientCommand('get <key>', 'read a key, linearizably', async (client, [key]) => {
  const found = await client.get(key as string, { consistency: 'linearizable' });
  if (found === null) {
    process.stderr.write('no such key\n');
    process.exitCode = exitCodes.fatal;
    return;
  }
  process.stdout.write(Buffer.concat([found.value, Buffer.from('\n')]));
});
clientCommand('delete <key>', 'delete a key', async (client, [key]) => {
  print(await client.delete(key as string));
});
clientCommand('status', 'show what one node knows of the cluster', async (client) => {
  print(await client.status());
});
addLogCommands(program);

function clientCommand(
  usage: string,
  description: string,
  action: (client: ClientApi, operands: readonly string[]) => Promise<void>,
): void {
  const command = program
    .command(usage)
    .description(description)
    .option('--endpoints <list>', 'host:port of some nodes, with commas', '127.0.0.1:9081')
    .option('--timeout-ms <ms>', 'time for the whole operation', readTimeout, 3_000)
    .option('--ca <file>', 'TLS: who vouches for the nodes (PEM)')
    .option('--certificate <file>', 'TLS: shown to nodes that ask for one (PEM)')
    .option('--key <file>', 'TLS: its private key (PEM)')
    .option('--server-name <name>', 'TLS: the name that the nodes prove, instead of their host');
  command.action(async () => {
    const flags = command.opts<ClientFlags>();
    const endpoints = flags.endpoints.split(',');
    let client: ConnectedClient;
    try {
      client = connect({ endpoints, deadlineMs: flags.timeoutMs, tls: readTls(flags) });
    } catch (error) {
      return command.error(`error: ${describeError(error)}`);
    }
    try {
      await action(client, command.args);
    } catch (error) {
      process.stderr.write(`d-engine: ${describeError(error)}\n`);
      process.exitCode = exitCodes.fatal;
    } finally {
      await client.close();
    }
  });
}

/** Undefined: nothing that has to do with it was given. */
function readTls(flags: ClientFlags): ClientTls | undefined {
  const { ca, certificate, key, serverName, endpoints } = flags;
  const given = [ca, certificate, key, serverName].some((flag) => flag !== undefined);
  if (!given && !/https:/i.test(endpoints)) return undefined;
  return {
    ca: readPem(ca),
    certificate: readPem(certificate),
    key: readPem(key),
    serverName,
  };
}

function readPem(path: string | undefined): string | undefined {
  return path === undefined ? undefined : readFileSync(path, 'utf8');
}

function readTimeout(text: string): number {
  const timeoutMs = Number(text);
  if (timeoutMs >= 1 && Number.isFinite(timeoutMs)) return timeoutMs;
  throw new InvalidArgumentError('it is a number of milliseconds, 1 or more.');
}

/** A node that has stopped leaves nothing behind that keeps the process; if it did, none waits. */
function endProcess(exitCode: number): void {
  process.exitCode = exitCode;
  const leftoverMs = 5_000;
  setTimeout(() => {
    process.stderr.write('d-engine: the node has stopped, the process has not: ending it\n');
    process.exit(exitCode);
  }, leftoverMs).unref();
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

await program.parseAsync();
