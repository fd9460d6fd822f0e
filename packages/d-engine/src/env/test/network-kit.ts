import { once } from 'node:events';
import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net';
import type {
  Failure,
  IncomingCall,
  IncomingStream,
  Listener,
  Service,
  StreamHandler,
} from '@d-engine/base';
import type { NetworkOptions } from '@d-engine/wire';
import { createClientEnv } from '../client-env.ts';
import type { RealNetwork } from '../real-network.ts';

/** What a stream's handler heard. */
export class Recorder implements StreamHandler {
  readonly messages: Uint8Array[] = [];
  readonly closed: Promise<Failure | undefined>;
  drains = 0;
  closes = 0;
  readonly #onMessage: ((message: Uint8Array) => void) | undefined;
  #close!: (failure: Failure | undefined) => void;

  constructor(onMessage?: (message: Uint8Array) => void) {
    this.#onMessage = onMessage;
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
  }

  onMessage(message: Uint8Array): void {
    this.messages.push(message);
    this.#onMessage?.(message);
  }

  onDrain(): void {
    this.drains += 1;
  }

  onClose(failure: Failure | undefined): void {
    this.closes += 1;
    this.#close(failure);
  }
}

export interface Accepted {
  readonly stream: IncomingStream;
  readonly recorder: Recorder;
}

/** A service that echoes; streams are handed to the test. */
export class TestService implements Service {
  readonly calls: IncomingCall[] = [];
  readonly accepted: Accepted[] = [];
  readonly #waiting: ((accepted: Accepted) => void)[] = [];
  /** Undefined: streams are taken. */
  refuseStreams: Failure | undefined = undefined;
  /** Streams pause within their message of this number. */
  pauseAtMessage = 0;

  onCall(call: IncomingCall): void {
    this.calls.push(call);
    const method = call.method.split('/')[1];
    if (method === 'Echo') call.reply(call.request, { 'x-seen': call.metadata['x-sent'] ?? '' });
    else if (method === 'Fail') {
      call.fail({
        status: 'failedPrecondition',
        message: 'not the leader: 100 % „no“\n',
        metadata: { 'x-raft-leader': '{"leader_id":2}' },
      });
    } else if (method === 'Slow') setTimeout(() => call.reply(call.request), 150);
  }

  onStream(stream: IncomingStream): StreamHandler | Failure {
    if (this.refuseStreams !== undefined) return this.refuseStreams;
    const echo = stream.method.endsWith('StreamEcho');
    const recorder = new Recorder((message) => {
      if (echo) stream.send(message);
      if (recorder.messages.length === this.pauseAtMessage) stream.pause();
    });
    const accepted = { stream, recorder };
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.accepted.push(accepted);
    else waiting(accepted);
    return recorder;
  }

  nextStream(): Promise<Accepted> {
    const accepted = this.accepted.shift();
    if (accepted !== undefined) return Promise.resolve(accepted);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

export interface Bench {
  readonly network: RealNetwork;
  readonly service: TestService;
  readonly listener: Listener;
}

export const isTestStream = (method: string): boolean => method.startsWith('test.Service/Stream');

export function testNetwork(options: NetworkOptions = {}): RealNetwork {
  return createClientEnv({ grpc: { isStream: isTestStream, ...options } }).network;
}

export async function startBench(options: NetworkOptions = {}): Promise<Bench> {
  const network = testNetwork(options);
  const service = new TestService();
  const listener = await network.listen('127.0.0.1:0', service);
  return { network, service, listener };
}

export function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

/** An address on which nothing listens. */
export async function deadAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  server.close();
  await once(server, 'close');
  return `127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
}

export interface TestProxy {
  readonly address: string;
  /** Both directions stand still, as if the cable were cut; the connections stay. */
  freeze(): void;
  close(): void;
}

/** Passes bytes on; the first ones from the client in two parts, cut at `splitAt`. */
export async function startProxy(target: string, splitAt = 0): Promise<TestProxy> {
  const sockets = new Set<Socket>();
  const pairs: [Socket, Socket][] = [];
  const server: Server = createServer((client) => {
    const upstream = connectSocket({ host: '127.0.0.1', port: portOf(target), noDelay: true });
    pairs.push([client, upstream]);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    upstream.pipe(client);
    if (splitAt === 0) {
      client.pipe(upstream);
      return;
    }
    client.once('data', (first: Buffer) => {
      client.pause();
      upstream.write(first.subarray(0, splitAt));
      setTimeout(() => {
        upstream.write(first.subarray(splitAt));
        client.pipe(upstream);
      }, 5);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  return {
    address: `127.0.0.1:${port}`,
    freeze() {
      for (const [client, upstream] of pairs) {
        client.unpipe(upstream);
        upstream.unpipe(client);
        client.pause();
        upstream.pause();
      }
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

export const delay = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
