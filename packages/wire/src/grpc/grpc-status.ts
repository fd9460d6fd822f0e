import type { Failure, FailureStatus, Metadata, StatusName } from '@d-engine/base';
import { statusCodes } from '@d-engine/base';
import type { HeaderList } from '../hpack/header-list.ts';
import { errorCodes } from '../http2/codes.ts';
import { headerOf, metadataOf, withMetadata } from './call-metadata.ts';
import { decodeGrpcMessage, encodeGrpcMessage } from './grpc-text.ts';

const namesByCode: ReadonlyMap<string, StatusName> = new Map(
  (Object.keys(statusCodes) as StatusName[]).map((name) => [String(statusCodes[name]), name]),
);

/** What an answer begins with, and how one that succeeded ends: the same lists every time. */
export const okHeaders: HeaderList = Object.freeze([
  ...[':status', '200', 'content-type', 'application/grpc'],
]);
export const okTrailers: HeaderList = Object.freeze(['grpc-status', '0']);

/** The trailers that end a call or a stream in a failure. */
export function failureTrailers(failure: Failure): HeaderList {
  return withMetadata(
    [
      ...['grpc-status', String(statusCodes[failure.status])],
      ...['grpc-message', encodeGrpcMessage(failure.message)],
    ],
    failure.metadata,
  );
}

/** An answer without a message: its one header block says why. */
export function failureHeaders(failure: Failure): HeaderList {
  const { metadata } = failure;
  const encodings = metadata?.[acceptEncoding];
  if (metadata === undefined || encodings === undefined) {
    return [...okHeaders, ...failureTrailers(failure)];
  }
  const { [acceptEncoding]: _, ...rest } = metadata;
  const trailers = failureTrailers({ ...failure, metadata: rest });
  return [...okHeaders, acceptEncoding, encodings, ...trailers];
}

const acceptEncoding = 'grpc-accept-encoding';

/** What trailers say: undefined for success; a missing or unknown status is a failure as well. */
export function trailersFailure(trailers: HeaderList, headers: Metadata): Failure | undefined {
  const code = headerOf(trailers, 'grpc-status');
  const name = code === undefined ? undefined : namesByCode.get(code);
  if (name === 'ok') return undefined;
  const metadata = metadataOf(trailers, headers);
  if (name === undefined) {
    return { status: 'unknown', message: `ended with the status ${String(code)}`, metadata };
  }
  const message = decodeGrpcMessage(headerOf(trailers, 'grpc-message'));
  return { status: name, message, metadata };
}

/** For an answer that is not of gRPC: what its HTTP status amounts to. */
export function httpStatusFailure(status: string | undefined, contentType: unknown): Failure {
  const message = `the peer answered with HTTP status ${status} and ${String(contentType)}`;
  return { status: httpStatuses[status ?? ''] ?? 'unknown', message };
}

const httpStatuses: Readonly<Record<string, FailureStatus>> = {
  400: 'internal',
  401: 'unauthenticated',
  403: 'permissionDenied',
  404: 'unimplemented',
  415: 'internal',
  429: 'unavailable',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
};

/**
 * The HTTP/2 error code that our own clients reset a stream with: it has no room for a text, but
 * for the status. Other servers see a code that they do not know, and a stream that is gone.
 */
export function resetCode(failure: Failure): number {
  return ownResetCodes + statusCodes[failure.status];
}

const ownResetCodes = 0x6465_0000;

/** For a stream that was reset: what the HTTP/2 error code amounts to. */
export function resetFailure(code: number): Failure {
  const own = namesByCode.get(String(code - ownResetCodes));
  if (own !== undefined && own !== 'ok') return { status: own, message: 'reset by the peer' };
  const status = resetStatuses[code] ?? 'internal';
  return { status, message: `the stream was reset with HTTP/2 code ${code}` };
}

const resetStatuses: Readonly<Record<number, FailureStatus>> = {
  [errorCodes.refusedStream]: 'unavailable',
  [errorCodes.cancel]: 'cancelled',
  [errorCodes.enhanceYourCalm]: 'resourceExhausted',
  [errorCodes.inadequateSecurity]: 'permissionDenied',
};
