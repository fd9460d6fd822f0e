import { Command } from 'commander';
import { benchEcho } from './echo.ts';
import { echoServers, type ServerKind } from './echo-servers.ts';
import { benchPlanes, servePlanes } from './planes.ts';
import { answerQuestions, cpuUs } from './server-process.ts';

// node tools/run-ts.mjs benches/wire/src/main.ts echo|planes

const program = new Command('wire-bench').description(
  'what the wire costs, and what its planes do',
);

program
  .command('echo', { isDefault: true })
  .description('calls and messages of a stream: ours, node:http2 and grpc-js in turns')
  .option('--seconds <number>', 'per measurement', Number, 4)
  .option('--rounds <number>', 'of each server', Number, 3)
  .option('--only <text>', 'only loads whose name holds this text')
  .option('--profile <folder>', 'leave a CPU profile of each server there')
  .action(benchEcho);

program
  .command('planes')
  .description('heartbeats on Control while 1 GiB goes over Bulk')
  .option('--rounds <number>', 'transfers of each kind', Number, 3)
  .option('--shared', 'only over one shared connection', false)
  .action(benchPlanes);

program.command('serve <kind>', { hidden: true }).action(async (kind: ServerKind) => {
  answerQuestions(await echoServers[kind](), { cpu: cpuUs });
});
program.command('take-planes', { hidden: true }).action(servePlanes);

await program.parseAsync();
