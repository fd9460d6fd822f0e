import { readFileSync } from 'node:fs';
import { describeError } from '@d-engine/base';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { ClientTls } from './client-tls.ts';
import type { ConnectedClient } from './connect.ts';
import { connect } from './connect.ts';
import { exitCodes } from './run-process.ts';

interface ClientFlags {
  readonly endpoints: string;
  readonly timeoutMs: number;
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly serverName?: string;
}

/** Makes a command one that asks a running cluster: adds its flags, and runs it with a client. */
export function asksCluster(
  command: Command,
  timeoutMs: number,
  action: (
    client: ConnectedClient,
    operands: readonly string[],
    timeoutMs: number,
  ) => Promise<void>,
): void {
  command
    .option('--endpoints <list>', 'host:port of some nodes, with commas', '127.0.0.1:9081')
    .option('--timeout-ms <ms>', 'time for the whole operation', readTimeout, timeoutMs)
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
      await action(client, command.args, flags.timeoutMs);
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
