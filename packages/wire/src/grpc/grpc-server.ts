import type { RequestHead } from '../http2/header-rules.ts';
import type { Http2Stream, StreamReceiver } from '../http2/http2-stream.ts';
import { RecentLists } from '../http2/recent-lists.ts';
import type { RequestServer, ServerConnection } from '../http2/server-connection.ts';
import { type CallHead, headersRefusal, readCallHead } from './call-head.ts';
import { headerOf } from './call-metadata.ts';
import type { NetworkSettings } from './network-options.ts';
import { ForeignRequest, RefusedRequest } from './refused-request.ts';
import { ServerCall } from './server-call.ts';
import type { ServerContext } from './server-context.ts';
import { ServerStream } from './server-stream.ts';

/** Serves gRPC on one connection. */
export class GrpcServer implements RequestServer {
  readonly #settings: NetworkSettings;
  readonly #context: ServerContext;
  readonly #readTicks: number;
  readonly #onGone: (connection: ServerConnection) => void;
  readonly #heads: RecentLists<CallHead> = new RecentLists();

  constructor(
    settings: NetworkSettings,
    context: ServerContext,
    readTicks: number,
    onGone: (connection: ServerConnection) => void,
  ) {
    this.#settings = settings;
    this.#context = context;
    this.#readTicks = readTicks;
    this.#onGone = onGone;
  }

  onRequest(stream: Http2Stream, head: RequestHead | undefined): StreamReceiver {
    if (head === undefined) return new RefusedRequest(stream, headersRefusal);
    const call = this.#readHead(head);
    if (call === undefined) {
      return new ForeignRequest(stream, headerOf(head.headers, 'content-type'), this.#readTicks);
    }
    if (call.refusal !== undefined) return new RefusedRequest(stream, call.refusal);
    if (!call.isStream) return new ServerCall(stream, call, this.#context);
    const incoming = new ServerStream(stream, call, this.#context);
    stream.receiver = incoming;
    incoming.offer();
    return incoming;
  }

  onGone(connection: ServerConnection): void {
    this.#onGone(connection);
  }

  #readHead(head: RequestHead): CallHead | undefined {
    const known = this.#heads.find(head.headers);
    if (known !== undefined) return known;
    const call = readCallHead(head, this.#settings);
    if (call !== undefined) this.#heads.put(head.headers, call);
    return call;
  }
}
