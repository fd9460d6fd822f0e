import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Failure, IncomingCall, Metadata, Service } from '@d-engine/base';
import { assert } from '@d-engine/base';
import { answerRefusal, RefusedMessage, requestRefusal } from '@d-engine/wire';
import {
  type ConnectionBudgets,
  callOverheadBytes,
  chunkOverheadBytes,
  stepBytes,
} from './call-budgets.ts';
import { cutOff } from './cut-off.ts';
import { metadataProblem } from './headers.ts';
import { frameMessage, type MessageReader } from './message-reader.ts';
import { failureTrailers, okTrailers } from './status.ts';

const okHeaders = Object.freeze({ ':status': 200, 'content-type': 'application/grpc' });
const withTrailers = Object.freeze({ waitForTrailers: true });
const withoutBody = Object.freeze({ endStream: true });

/** What the headers of a call or stream said. */
export interface CallHead {
  readonly method: string;
  readonly metadata: Metadata;
  readonly deadlineMs: number | undefined;
  readonly localHost: string | undefined;
}

/**
 * Reads the one request of a unary call, then hands the call to the service. From there on the
 * service bounds what it keeps. `budgets` is for the methods of clients.
 */
export function serveCall(
  stream: ServerHttp2Stream,
  head: CallHead,
  reader: MessageReader,
  service: Service,
  budgets: ConnectionBudgets | undefined,
): void {
  const requests: Uint8Array[] = [];
  let refused = false;
  let unmoved = 0;
  const refuse = (failure: Failure): void => {
    refused = true;
    holding?.release();
    endInFailure(stream, failure);
  };
  const holding = budgets?.request(refuse);
  const holds = (bytes: number): boolean => holding === undefined || holding.grow(bytes);
  if (!holds(callOverheadBytes)) {
    refuse(requestRefusal);
    return;
  }
  stream.on('close', () => holding?.release());
  stream.on('data', (chunk: Buffer) => {
    if (refused) return;
    if (!holds(chunk.length + chunkOverheadBytes)) {
      refuse(requestRefusal);
      return;
    }
    unmoved += chunk.length;
    if (unmoved >= stepBytes) holding?.moved();
    if (unmoved >= stepBytes) unmoved = 0;
    reader.push(chunk);
    // Too large a message is refused by its prefix: the rest of it is not waited for.
    const failure = takeRequests(reader, requests);
    if (failure !== undefined) refuse(failure);
    else reader.unpin();
  });
  stream.on('end', () => {
    if (refused || stream.destroyed) return;
    holding?.release();
    const [request] = requests;
    if (!reader.empty || request === undefined || requests.length > 1) {
      const what = reader.empty ? `${requests.length} requests` : 'a request that was cut off';
      refuse({ status: 'internal', message: `a call with ${what}` });
    } else service.onCall(new ServerCall(stream, head, request, budgets));
  });
}

function takeRequests(reader: MessageReader, requests: Uint8Array[]): Failure | undefined {
  try {
    for (;;) {
      const message = reader.take();
      if (message === undefined) return undefined;
      if (requests.length < 2) requests.push(message);
    }
  } catch (error) {
    if (error instanceof RefusedMessage) return error.failure;
    throw error;
  }
}

class ServerCall implements IncomingCall {
  readonly method: string;
  readonly request: Uint8Array;
  readonly metadata: Metadata;
  readonly deadlineMs: number | undefined;
  readonly localHost: string | undefined;
  readonly #stream: ServerHttp2Stream;
  readonly #budgets: ConnectionBudgets | undefined;
  #answered = false;

  constructor(
    stream: ServerHttp2Stream,
    head: CallHead,
    request: Uint8Array,
    budgets: ConnectionBudgets | undefined,
  ) {
    this.#stream = stream;
    this.#budgets = budgets;
    this.method = head.method;
    this.request = request;
    this.metadata = head.metadata;
    this.deadlineMs = head.deadlineMs;
    this.localHost = head.localHost;
  }

  reply(message: Uint8Array, metadata?: Metadata): void {
    this.#answer();
    assertMetadata(metadata);
    const stream = this.#stream;
    if (gone(stream)) return;
    const holding = this.#budgets?.answer(stream);
    if (holding !== undefined) {
      if (!holding.grow(message.length + callOverheadBytes)) {
        holding.release();
        endInFailure(stream, answerRefusal);
        return;
      }
      stream.on('close', () => holding.release());
    }
    stream.respond(
      metadata === undefined ? okHeaders : { ...metadata, ...okHeaders },
      withTrailers,
    );
    stream.on('wantTrailers', () => {
      if (!gone(stream)) stream.sendTrailers(okTrailers);
    });
    const [first, rest] = frameMessage(message);
    if (rest === undefined) stream.end(first);
    else {
      stream.write(first);
      sendInSteps(stream, rest, () => holding?.moved());
    }
  }

  fail(failure: Failure): void {
    this.#answer();
    assertMetadata(failure.metadata);
    endInFailure(this.#stream, failure);
  }

  #answer(): void {
    assert(!this.#answered, () => `${this.method} was answered twice`);
    this.#answered = true;
  }
}

/** In parts, since only the end of a write tells whether the caller still takes anything. */
function sendInSteps(stream: ServerHttp2Stream, message: Uint8Array, onMoved: () => void): void {
  let sent = 0;
  const sendNext = (): void => {
    // After a failed write as well: 'close' follows and ends all.
    if (gone(stream)) return;
    if (sent > 0) onMoved();
    const part = message.subarray(sent, sent + stepBytes);
    sent += part.length;
    if (sent < message.length) stream.write(part, sendNext);
    else stream.end(part);
  };
  sendNext();
}

/** The caller may have given up, or its connection may be lost: then nobody waits for an answer. */
export function gone(stream: ServerHttp2Stream): boolean {
  return stream.destroyed || stream.closed;
}

export function assertMetadata(metadata: Metadata | undefined): void {
  const problem = metadata === undefined ? undefined : metadataProblem(metadata);
  assert(problem === undefined, () => problem ?? '');
}

/** An answer without a message: its one header block says why. */
export function endInFailure(stream: ServerHttp2Stream, failure: Failure): void {
  if (gone(stream) || stream.headersSent) return;
  stream.respond({ ...failureTrailers(failure), ...okHeaders }, withoutBody);
  closeRest(stream);
}

/** Tells a caller that is still sending that the rest is not wanted (RFC 9113, section 8.1). */
export function closeRest(stream: ServerHttp2Stream): void {
  stream.resume();
  if (!stream.readableEnded) cutOff(stream, constants.NGHTTP2_NO_ERROR);
}

/** An HTTP/2 request that is not gRPC at all. */
export function refuseContentType(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  const type = String(headers['content-type'] ?? 'none');
  stream.respond({ ':status': 415, 'content-type': 'text/plain; charset=utf-8' });
  stream.end(`this port speaks gRPC over HTTP/2 (content-type application/grpc), not ${type}\n`);
  closeRest(stream);
}
