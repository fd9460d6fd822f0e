import { type Http2Options, http2Defaults } from '../../src/http2/http2-options.ts';
import type { Http2Stream, StreamEnd } from '../../src/http2/http2-stream.ts';
import { type RequestServer, ServerConnection } from '../../src/http2/server-connection.ts';
import { Ticker } from '../../src/http2/ticker.ts';
import { TurnFlusher } from '../../src/http2/turn-flusher.ts';
import { RawPeer } from './raw-peer.ts';
import { type MemoryByteStream, TestWorld } from './test-world.ts';

export const requestHeaders: readonly string[] = [
  ...[':method', 'POST', ':scheme', 'http', ':path', '/x', ':authority', 'test'],
];
export const answerHeaders: readonly string[] = Object.freeze([':status', '200']);

export interface TestRequest {
  readonly stream: Http2Stream;
  body: Buffer;
  hasEnded: boolean;
  drains: number;
  end: StreamEnd | undefined;
}

/** A server connection in memory, with a raw client at its other end. */
export interface ServerSite {
  readonly world: TestWorld;
  readonly peer: RawPeer;
  readonly connection: ServerConnection;
  /** The server's end of the bytes. */
  readonly bytes: MemoryByteStream;
  readonly requests: TestRequest[];
}

export const tickMs = 100;

/** `onEnd` answers; without it requests are kept. */
export async function startServer(
  options: Partial<Http2Options> = {},
  onEnd: (request: TestRequest) => void = () => undefined,
): Promise<ServerSite> {
  const world = new TestWorld();
  const requests: TestRequest[] = [];
  const ticker = new Ticker(world.clock, tickMs);
  const flusher = new TurnFlusher(world.schedule);
  const server: RequestServer = {
    onRequest(stream) {
      const request: TestRequest = {
        ...{ stream, body: Buffer.alloc(0), hasEnded: false, drains: 0, end: undefined },
      };
      requests.push(request);
      return {
        onHeaders: () => undefined,
        onData(bytes, start, end) {
          request.body = Buffer.concat([request.body, bytes.subarray(start, end)]);
          stream.consume(end - start);
        },
        onEnd() {
          request.hasEnded = true;
          onEnd(request);
        },
        onDrain() {
          request.drains += 1;
        },
        onTick: () => undefined,
        onClose(end) {
          request.end = end;
        },
      };
    },
    onGone: () => undefined,
  };
  const made: ServerConnection[] = [];
  await world.bytes.listen('server:1', (stream) => {
    const context = { clock: world.clock, ticker, flusher };
    const connection = new ServerConnection(
      () => ({ ...http2Defaults, ...options }),
      context,
      () => stream,
      server,
    );
    made.push(connection);
    return connection;
  });
  const peer = new RawPeer();
  peer.stream = world.bytes.connect('server:1', peer);
  await world.settle();
  const bytes = world.bytes.pairs[0]?.server as MemoryByteStream;
  return { world, peer, connection: made[0] as ServerConnection, bytes, requests };
}
