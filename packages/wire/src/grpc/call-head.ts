import type { Failure, Metadata } from '@d-engine/base';
import type { RequestHead } from '../http2/header-rules.ts';
import { isPeerMethod } from '../methods.ts';
import { binaryProblem, headerBytesProblem, headerOf, metadataOf } from './call-metadata.ts';
import { acceptsGzip, isGrpcContentType, parseTimeout } from './grpc-text.ts';
import type { NetworkSettings } from './network-options.ts';
import { hostOfAuthority } from './socket-address.ts';

/** What the headers of a call or stream said, and what follows for its method. */
export interface CallHead {
  readonly method: string;
  readonly metadata: Metadata;
  readonly deadlineMs: number | undefined;
  readonly localHost: string | undefined;
  /** The request's grpc-encoding. */
  readonly encoding: string | undefined;
  /** Answers are packed: this listener wants it for the method, and the caller can unpack. */
  readonly packsAnswers: boolean;
  readonly isStream: boolean;
  /** What peers send is not counted against the clients' budgets. */
  readonly isPeer: boolean;
  readonly requestBytesMax: number;
  /** The call is refused for its headers alone. */
  readonly refusal: Failure | undefined;
}

/** Undefined: the request is not gRPC at all. */
export function readCallHead(head: RequestHead, settings: NetworkSettings): CallHead | undefined {
  const { headers } = head;
  if (!isGrpcContentType(headerOf(headers, 'content-type'))) return undefined;
  const method = head.path.slice(1);
  const timeout = headerOf(headers, 'grpc-timeout');
  const deadlineMs = timeout === undefined ? undefined : parseTimeout(timeout);
  return {
    method,
    metadata: metadataOf(headers),
    deadlineMs,
    localHost: hostOfAuthority(head.authority ?? headerOf(headers, 'host')),
    encoding: headerOf(headers, 'grpc-encoding'),
    packsAnswers:
      settings.compression(method) === 'gzip' &&
      acceptsGzip(headerOf(headers, 'grpc-accept-encoding')),
    isStream: settings.isStream(method),
    isPeer: isPeerMethod(method),
    requestBytesMax: settings.requestBytesMax(method),
    refusal: refusalOf(head, timeout, deadlineMs),
  };
}

/** For a request of which the headers were not even kept. */
export const headersRefusal: Failure = {
  status: 'resourceExhausted',
  message: 'the headers are over the limit',
};

function refusalOf(
  head: RequestHead,
  timeout: string | undefined,
  deadlineMs: number | undefined,
): Failure | undefined {
  const problem = headerBytesProblem(head.headers);
  if (problem !== undefined) return { status: 'resourceExhausted', message: problem };
  if (timeout !== undefined && deadlineMs === undefined) {
    return { status: 'invalidArgument', message: `grpc-timeout '${timeout}' is malformed` };
  }
  const binary = binaryProblem(head.headers);
  return binary === undefined ? undefined : { status: 'invalidArgument', message: binary };
}
