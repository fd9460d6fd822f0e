// What a unary call costs the server: ours, node:http2 and, where it is installed, grpc-js, in one
// run and in turns. Each server is a process of its own; one generator drives all of them.
//
//   node tools/run-ts.mjs benches/wire/src/main.ts [seconds per measurement] [rounds]
//
// GRPC_JS names a directory with another installation of @grpc/grpc-js.

import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttp2Server } from 'node:http2';
import { createRequire } from 'node:module';
import { connect, createServer, type Socket } from 'node:net';
import type { ByteNetwork, ByteStream, ByteStreamHandler } from '@d-engine/base';
import { type GrpcEnv, GrpcNetwork } from '@d-engine/wire';

const method = 'bench.Service/Echo';
const requestBytes = 256;
const warmUpMs = 1_000;
const callDeadlineMs = 30_000;
const loads = [
  { connections: 1, inFlight: 1 },
  { connections: 10, inFlight: 20 },
  { connections: 200, inFlight: 5 },
];

// ---- streams of bytes over sockets ----

function adapt(socket: Socket): ByteStream & { start(handler: ByteStreamHandler): void } {
  return {
    localHost: '127.0.0.1',
    get bufferedBytes() {
      return socket.writableLength;
    },
    write: (bytes) => socket.write(bytes),
    end: () => socket.end(),
    destroy: () => socket.destroy(),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    start(handler) {
      socket.on('connect', () => handler.onOpen?.());
      socket.on('data', (bytes: Buffer) => handler.onBytes(bytes));
      socket.on('drain', () => handler.onDrain?.());
      socket.on('end', () => handler.onEnd());
      socket.on('error', () => socket.destroy());
      socket.on('close', () => handler.onClose(undefined));
    },
  };
}

const bytes: ByteNetwork = {
  async listen(_, onConnection) {
    const server = createServer({ noDelay: true }, (socket) => {
      const stream = adapt(socket);
      stream.start(onConnection(stream));
    });
    const address = await listenOn(server);
    const close = async (): Promise<void> => {
      server.close();
    };
    return { address, close };
  },
  connect(address, handler) {
    const stream = adapt(connect({ port: Number(address.split(':')[1]), noDelay: true }));
    stream.start(handler);
    return stream;
  },
};

async function listenOn(server: ReturnType<typeof createServer>): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  if (typeof bound !== 'object' || bound === null) throw new Error('no port');
  return `127.0.0.1:${bound.port}`;
}

const env: GrpcEnv = {
  clock: {
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }),
    setTimer(delayMs, callback) {
      const timeout = setTimeout(callback, delayMs);
      return { cancel: () => clearTimeout(timeout) };
    },
  },
  random: { float: () => Math.random(), bytes: (length) => randomBytes(length) },
  schedule: { afterPoll: (callback) => void setImmediate(callback) },
  compute: {
    gzip: () => Promise.reject(new Error('not measured')),
    gunzip: () => Promise.reject(new Error('not measured')),
    sha256: () => Promise.reject(new Error('not measured')),
  },
};

// ---- servers ----

interface GrpcJs {
  readonly Server: new () => {
    addService(definition: object, handlers: object): void;
    bindAsync(
      address: string,
      credentials: unknown,
      onBound: (error: Error | null, port: number) => void,
    ): void;
  };
  readonly ServerCredentials: { createInsecure(): unknown };
}

/** Not a dependency: found only where somebody has installed it. */
const grpcJsName = '@grpc/grpc-js';

function loadGrpcJs(): GrpcJs | undefined {
  const require = createRequire(`${process.env['GRPC_JS'] ?? process.cwd()}/`);
  try {
    return require(grpcJsName) as GrpcJs;
  } catch {
    return undefined;
  }
}

const servers: Readonly<Record<string, () => Promise<string>>> = {
  async ours() {
    const listener = await new GrpcNetwork(env, bytes).listen('127.0.0.1:0', {
      onCall: (call) => call.reply(call.request),
      onStream: () => ({ status: 'unimplemented', message: 'not measured' }),
    });
    return listener.address;
  },
  async 'node:http2'() {
    const server = createHttp2Server();
    server.on('stream', (stream) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const headers = { ':status': 200, 'content-type': 'application/grpc' };
        stream.respond(headers, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
      });
    });
    return listenOn(server);
  },
  async 'grpc-js'() {
    const grpc = loadGrpcJs();
    if (grpc === undefined) throw new Error('grpc-js is missing');
    const server = new grpc.Server();
    const same = (message: Buffer): Buffer => message;
    const echo = {
      path: `/${method}`,
      requestStream: false,
      responseStream: false,
      ...{ requestSerialize: same, requestDeserialize: same },
      ...{ responseSerialize: same, responseDeserialize: same },
    };
    type Done = (error: null, answer: Buffer) => void;
    const handler = (call: { request: Buffer }, done: Done): void => done(null, call.request);
    server.addService({ Echo: echo }, { Echo: handler });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    return `127.0.0.1:${port}`;
  },
};

async function serve(kind: string): Promise<void> {
  const start = servers[kind];
  if (start === undefined) throw new Error(`no server ${kind}`);
  const address = await start();
  process.on('message', () => process.send?.({ cpuUs: cpuUs() }));
  process.on('disconnect', () => process.exit());
  process.send?.({ address });
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

// ---- the generator ----

interface Figures {
  readonly callsPerSecond: number;
  readonly cpuUsPerCall: number;
  readonly meanMs: number;
}

async function askCpu(server: ChildProcess): Promise<number> {
  const answer = once(server, 'message');
  server.send('cpu');
  const [message] = (await answer) as [{ cpuUs: number }];
  return message.cpuUs;
}

async function measure(kind: string, load: (typeof loads)[number], ms: number): Promise<Figures> {
  const server = fork(process.argv[1] as string, ['serve', kind], {
    execPath: process.execPath,
    execArgv: ['tools/run-ts.mjs'],
  });
  const [{ address }] = (await once(server, 'message')) as [{ address: string }];
  const network = new GrpcNetwork(env, bytes);
  const channels = Array.from({ length: load.connections }, () => network.connect(address));
  const request = randomBytes(requestBytes);
  let calls = 0;
  let running = true;
  const loops = channels.flatMap((channel) =>
    Array.from({ length: load.inFlight }, async () => {
      while (running) {
        await channel.call(method, request, { deadlineMs: callDeadlineMs });
        calls += 1;
      }
    }),
  );
  await pause(warmUpMs);
  const before = { cpu: await askCpu(server), calls, at: performance.now() };
  await pause(ms);
  const after = { cpu: await askCpu(server), calls, at: performance.now() };
  running = false;
  await Promise.all(loops);
  await network.close();
  server.disconnect();
  await once(server, 'exit');
  const done = after.calls - before.calls;
  const seconds = (after.at - before.at) / 1_000;
  return {
    callsPerSecond: done / seconds,
    cpuUsPerCall: (after.cpu - before.cpu) / done,
    meanMs: (load.connections * load.inFlight * seconds * 1_000) / done,
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((first, second) => first - second);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function main(seconds: number, rounds: number): Promise<void> {
  const kinds = Object.keys(servers).filter((kind) => kind !== 'grpc-js' || loadGrpcJs());
  if (!kinds.includes('grpc-js')) console.log('not run: grpc-js missing');
  console.log(`unary echo of ${requestBytes} B, median of ${rounds} rounds of ${seconds} s`);
  console.log(
    '| load | server | calls/s | mean ms | server CPU us a call |\n|---|---|---|---|---|',
  );
  for (const load of loads) {
    const figures = new Map<string, Figures[]>(kinds.map((kind) => [kind, []]));
    for (let round = 0; round < rounds; round++) {
      for (const [kind, list] of figures) list.push(await measure(kind, load, seconds * 1_000));
    }
    for (const [kind, list] of figures) {
      const calls = median(list.map((figure) => figure.callsPerSecond)).toFixed(0);
      const ms = median(list.map((figure) => figure.meanMs)).toFixed(3);
      const us = median(list.map((figure) => figure.cpuUsPerCall)).toFixed(2);
      console.log(
        `| ${load.connections} x ${load.inFlight} | ${kind} | ${calls} | ${ms} | ${us} |`,
      );
    }
  }
}

const [first, second] = process.argv.slice(2);
if (first === 'serve') await serve(second ?? '');
else await main(Number(first ?? 4), Number(second ?? 3));
