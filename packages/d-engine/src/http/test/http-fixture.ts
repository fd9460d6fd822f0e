import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import {
  type Counter,
  DEngineError,
  type LeaderHint,
  type Metrics,
  type NodeStatus,
  silentLogger,
  silentMetrics,
} from '@d-engine/base';
import type { HealthReport, WatchOpener } from '@d-engine/node';
import { createHttpApi, type HttpApi, type HttpApiOptions } from '../http-api.ts';
import type { HttpLimits } from '../http-limits.ts';
import type { MemberChanger } from '../member-routes.ts';
import { FakeStore } from './fake-store.ts';

export const followerStatus: NodeStatus = {
  nodeId: 1,
  clusterId: '00112233445566778899aabbccddeeff',
  version: '0.1.0',
  role: 'follower',
  condition: 'normal',
  conditionReason: null,
  term: 3,
  leader: { id: 2, address: '0.0.0.0:9082' },
  commitIndex: 41,
  appliedIndex: 40,
  lastLogIndex: 43,
  durableIndex: 42,
  revision: 40,
  members: [
    {
      id: 1,
      address: '10.0.0.1:9081',
      role: 'voter',
      status: 'active',
      matchIndex: null,
      lag: null,
      lastContactMs: null,
    },
  ],
};

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body, which must be JSON ending in a newline. */
  json(): Record<string, unknown>;
  error(): Record<string, unknown>;
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly port?: number;
}

/** A real server on 127.0.0.1 whose listener looks at the first bytes, as the client port does. */
export class HttpFixture {
  readonly store: FakeStore = new FakeStore();
  readonly api: HttpApi;
  status: NodeStatus = followerStatus;
  health: HealthReport = { live: { event_loop: { ok: true } }, ready: { leader: { ok: true } } };
  hint: LeaderHint | undefined;
  watches: WatchOpener = {
    open: () => new DEngineError('RateLimited', 'this test has no watches'),
  };
  changeMember: MemberChanger['changeMember'] = () =>
    Promise.reject(new DEngineError('Unsupported', 'this test has no members'));
  readonly counted: Map<string, number> = new Map<string, number>();
  readonly #listener: Server;

  constructor(overrides: Partial<HttpApiOptions['settings']> = {}, limits?: Partial<HttpLimits>) {
    this.api = createHttpApi({
      client: this.store,
      node: {
        status: () => this.status,
        health: () => this.health,
        leaderHint: () => this.hint,
        changeMember: (action, nodeId, waitMs) => this.changeMember(action, nodeId, waitMs),
        watches: { open: (request, wake) => this.watches.open(request, wake) },
      },
      settings: {
        allowedHosts: ['node1.example:9081', 'Virtual.Example'],
        bodyBytesMax: 6 * 1024 * 1024,
        serverDeadlineMs: 5_000,
        allowClientOverride: true,
        defaultConsistency: 'linearizable',
        ...overrides,
      },
      metrics: this.#metrics(),
      renderMetrics: () => '# TYPE up gauge\nup 1\n',
      logger: silentLogger,
      ...(limits === undefined ? {} : { limits }),
    });
    this.#listener = createServer((socket) => this.#sniff(socket));
  }

  static async start(
    overrides?: Partial<HttpApiOptions['settings']>,
    limits?: Partial<HttpLimits>,
  ): Promise<HttpFixture> {
    const fixture = new HttpFixture(overrides, limits);
    await new Promise<void>((resolve) => {
      fixture.#listener.listen(0, '127.0.0.1', resolve);
    });
    return fixture;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#listener.close();
    await this.api.close(0);
  }

  call(method: string, path: string, options: CallOptions = {}): Promise<Reply> {
    const { headers, body, port = this.port } = options;
    return new Promise((resolve, reject) => {
      const agent = false;
      const target = { host: '127.0.0.1', port, method, path, headers: { ...headers }, agent };
      const request = httpRequest(target, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve(reply(response.statusCode ?? 0, response.headers, text));
        });
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  get(path: string, options?: CallOptions): Promise<Reply> {
    return this.call('GET', path, options);
  }

  /** `body` as JSON, unless it is text or bytes already. */
  post(path: string, body: unknown, options: CallOptions = {}): Promise<Reply> {
    const raw = typeof body === 'string' || body instanceof Uint8Array;
    return this.call('POST', path, { ...options, body: raw ? body : JSON.stringify(body) });
  }

  /** Sends text as it is and returns all that comes back until the connection closes. */
  raw(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      const socket = connect(this.port, '127.0.0.1', () => socket.write(text, 'latin1'));
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.on('close', () => resolve(Buffer.concat(chunks).toString('utf8')));
      socket.on('error', reject);
    });
  }

  #sniff(socket: Socket): void {
    socket.once('data', (first: Buffer) => {
      socket.pause();
      socket.unshift(first);
      this.api.handleSocket(socket);
    });
    socket.on('error', () => socket.destroy());
  }

  #metrics(): Metrics {
    return {
      ...silentMetrics,
      counter: (name, _help, labels): Counter => {
        const series = labels === undefined ? name : `${name}${JSON.stringify(labels)}`;
        return {
          add: (amount = 1) => this.counted.set(series, (this.counted.get(series) ?? 0) + amount),
        };
      },
    };
  }
}

function reply(status: number, headers: IncomingHttpHeaders, text: string): Reply {
  const json = (): Record<string, unknown> => {
    if (!text.endsWith('\n')) throw new Error(`no newline at the end of ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  };
  return {
    status,
    headers,
    text,
    json,
    error: () => json()['error'] as Record<string, unknown>,
  };
}
