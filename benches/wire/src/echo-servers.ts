import { once } from 'node:events';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import type { Server as TcpServer } from 'node:net';
import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
} from '@grpc/grpc-js';
import { chatMethod, createProductEnv, echoMethod } from './product-network.ts';

// Each answers a call, and every message of a stream, with what it got. Starting one resolves with
// its address.

export type ServerKind = 'ours' | 'node:http2' | 'grpc-js';
export const serverKinds: readonly ServerKind[] = ['ours', 'node:http2', 'grpc-js'];

export const echoServers: Readonly<Record<ServerKind, () => Promise<string>>> = {
  ours: startOurs,
  'node:http2': startNodeHttp2,
  'grpc-js': startGrpcJs,
};

async function startOurs(): Promise<string> {
  const listener = await createProductEnv().network.listen('127.0.0.1:0', {
    onCall: (call) => call.reply(call.request),
    onStream: (stream) => ({
      onMessage: (message) => void stream.send(message),
      onEnd: () => stream.end(),
      onClose: () => undefined,
    }),
  });
  return listener.address;
}

const prefixBytes = 5;

async function startNodeHttp2(): Promise<string> {
  const server = createHttp2Server();
  server.on('stream', (stream, headers) => {
    const head = { ':status': 200, 'content-type': 'application/grpc' };
    if (headers[':path'] === `/${chatMethod}`) {
      stream.respond(head, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      echoMessages(stream);
      return;
    }
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      stream.respond(head, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return addressOf(server);
}

/** Finds each message, as a service has to, before it is sent back. */
function echoMessages(stream: ServerHttp2Stream): void {
  let rest: Buffer = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= prefixBytes) {
      const end = prefixBytes + rest.readUInt32BE(1);
      if (rest.length < end) return;
      stream.write(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  });
  stream.on('end', () => stream.end());
}

async function startGrpcJs(): Promise<string> {
  const same = (message: Buffer): Buffer => message;
  const codecs = {
    ...{ requestSerialize: same, requestDeserialize: same },
    ...{ responseSerialize: same, responseDeserialize: same },
  };
  const echo: handleUnaryCall<Buffer, Buffer> = (call, done) => done(null, call.request);
  const chat: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    call.on('data', (message: Buffer) => call.write(message));
    call.on('end', () => call.end());
  };
  const server = new Server();
  server.addService(
    {
      Echo: { path: `/${echoMethod}`, requestStream: false, responseStream: false, ...codecs },
      Chat: { path: `/${chatMethod}`, requestStream: true, responseStream: true, ...codecs },
    },
    { Echo: echo, Chat: chat },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return `127.0.0.1:${port}`;
}

function addressOf(server: Pick<TcpServer, 'address'>): string {
  const bound = server.address();
  if (typeof bound !== 'object' || bound === null) throw new Error('no port');
  return `127.0.0.1:${bound.port}`;
}
