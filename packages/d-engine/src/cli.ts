#!/usr/bin/env node
import type { ClientApi } from '@d-engine/base';
import { Command } from 'commander';
import { asksCluster } from './client-flags.ts';
import { addLogCommands } from './log-command.ts';
import { addMemberCommands } from './member-command.ts';
import { addRecoverCommand } from './recover-command.ts';
import { exitCodes, runProcess } from './run-process.ts';
import { addSnapshotCommands } from './snapshot-command.ts';
import { version } from './version.ts';

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
addSnapshotCommands(program);
addMemberCommands(program);
addRecoverCommand(program);

function clientCommand(
  usage: string,
  description: string,
  action: (client: ClientApi, operands: readonly string[]) => Promise<void>,
): void {
  asksCluster(program.command(usage).description(description), 3_000, action);
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
