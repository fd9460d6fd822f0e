import { randomBytes } from 'node:crypto';
import type { Channel } from '@d-engine/base';
import type { RealEnv } from '../../../packages/d-engine/src/env/index.ts';
import { type ServerKind, serverKinds } from './echo-servers.ts';
import { median, pause, say } from './figures.ts';
import { chatMethod, createProductEnv, echoMethod } from './product-network.ts';
import { ServerProcess } from './server-process.ts';

// What an echo costs the server: calls, and messages of one stream. Each server is a process of
// its own; this process drives all of them, in turns.

interface Load {
  readonly name: string;
  readonly connections: number;
  readonly requestBytes: number;
  /** Keeps echoes going on one connection, until it is told to stop. */
  readonly drive: (channel: Channel, request: Uint8Array, progress: Progress) => Promise<void>;
  /** Echoes under way on one connection. */
  readonly inFlight: number;
}

interface Progress {
  echoes: number;
  isRunning: boolean;
}

const callDeadlineMs = 30_000;
const warmUpMs = 1_000;

function calls(connections: number, inFlight: number): Load {
  const drive: Load['drive'] = async (channel, request, progress) => {
    const loops = Array.from({ length: inFlight }, async () => {
      while (progress.isRunning) {
        await channel.call(echoMethod, request, { deadlineMs: callDeadlineMs });
        progress.echoes += 1;
      }
    });
    await Promise.all(loops);
  };
  const name = `calls ${connections} x ${inFlight}, 256 B`;
  return { name, connections, requestBytes: 256, inFlight, drive };
}

function oneStream(inFlight: number): Load {
  const drive: Load['drive'] = (channel, request, progress) =>
    new Promise((resolve, reject) => {
      const stream = channel.openStream(chatMethod, {
        onMessage() {
          progress.echoes += 1;
          if (progress.isRunning) stream.send(request);
          else stream.end();
        },
        onClose: (failure) =>
          failure === undefined ? resolve() : reject(new Error(failure.message)),
      });
      for (let count = 0; count < inFlight; count++) stream.send(request);
    });
  return {
    name: `1 stream x ${inFlight}, 300 B`,
    connections: 1,
    requestBytes: 300,
    inFlight,
    drive,
  };
}

const loads: readonly Load[] = [
  calls(1, 1),
  calls(10, 20),
  calls(200, 5),
  oneStream(1),
  oneStream(100),
];

interface Figures {
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly meanMs: number;
}

export interface EchoOptions {
  readonly seconds: number;
  readonly rounds: number;
  readonly only: string | undefined;
  /** A folder for CPU profiles of the servers. */
  readonly profile: string | undefined;
}

export async function benchEcho(options: EchoOptions): Promise<void> {
  const { seconds, rounds, only } = options;
  const wanted = loads.filter(({ name }) => only === undefined || name.includes(only));
  say(`echo, median of ${rounds} rounds of ${seconds} s, servers in turns`);
  say('| load | server | echoes/s | mean ms | server CPU us an echo |\n|---|---|---|---|---|');
  for (const load of wanted) {
    const results = new Map<ServerKind, Figures[]>(serverKinds.map((kind) => [kind, []]));
    for (let round = 0; round < rounds; round++) {
      for (const [kind, list] of results) list.push(await measure(kind, load, options));
    }
    for (const [kind, list] of results) {
      const of = (pick: (figures: Figures) => number): number => median(list.map(pick));
      const perSecond = of((figures) => figures.perSecond).toFixed(0);
      const meanMs = of((figures) => figures.meanMs).toFixed(3);
      const us = of((figures) => figures.cpuUs).toFixed(2);
      say(`| ${load.name} | ${kind} | ${perSecond} | ${meanMs} | ${us} |`);
    }
  }
}

async function measure(kind: ServerKind, load: Load, options: EchoOptions): Promise<Figures> {
  const { profile, seconds } = options;
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const server = await ServerProcess.start(['serve', kind], profiling);
  const env = createProductEnv();
  const progress: Progress = { echoes: 0, isRunning: true };
  const request = randomBytes(load.requestBytes);
  const driving = connect(env, server.address, load.connections).map((channel) =>
    load.drive(channel, request, progress),
  );
  await pause(warmUpMs);
  const before = { cpuUs: await server.ask<number>('cpu'), ...progress, at: performance.now() };
  await pause(seconds * 1_000);
  const after = { cpuUs: await server.ask<number>('cpu'), ...progress, at: performance.now() };
  progress.isRunning = false;
  await Promise.all(driving);
  await env.close();
  await server.stop();
  const echoes = after.echoes - before.echoes;
  const passedMs = after.at - before.at;
  return {
    perSecond: (echoes * 1_000) / passedMs,
    cpuUs: (after.cpuUs - before.cpuUs) / echoes,
    meanMs: (load.connections * load.inFlight * passedMs) / echoes,
  };
}

function connect(env: RealEnv, address: string, connections: number): Channel[] {
  return Array.from({ length: connections }, () => env.network.connect(address));
}
