import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import type { Failure, FailureStatus, Metadata, StatusName } from '@d-engine/base';
import { statusCodes } from '@d-engine/base';
import { decodeGrpcMessage, encodeGrpcMessage, metadataOf } from './headers.ts';

const namesByCode: ReadonlyMap<string, StatusName> = new Map(
  (Object.keys(statusCodes) as StatusName[]).map((name) => [String(statusCodes[name]), name]),
);

/** Trailers of a call that succeeded. */
export const okTrailers: OutgoingHttpHeaders = Object.freeze({ 'grpc-status': '0' });

/** The trailers that end a call or a stream in a failure. */
export function failureTrailers(failure: Failure): OutgoingHttpHeaders {
  return {
    ...failure.metadata,
    'grpc-status': String(statusCodes[failure.status]),
    'grpc-message': encodeGrpcMessage(failure.message),
  };
}

/** What trailers say: undefined for success; a missing or unknown status is a failure as well. */
export function trailersFailure(
  trailers: IncomingHttpHeaders,
  headers: Metadata,
): Failure | undefined {
  const code = trailers['grpc-status'];
  const name = typeof code === 'string' ? namesByCode.get(code) : undefined;
  if (name === 'ok') return undefined;
  const metadata = metadataOf(trailers, headers);
  if (name === undefined) {
    return { status: 'unknown', message: `ended with the status ${String(code)}`, metadata };
  }
  const text = trailers['grpc-message'];
  const message = decodeGrpcMessage(Array.isArray(text) ? text.join(', ') : text);
  return { status: name, message, metadata };
}

/** For an answer that is not of gRPC: what its HTTP status amounts to. */
export function httpStatusFailure(httpStatus: number | undefined, contentType: unknown): Failure {
  const message = `the peer answered with HTTP status ${httpStatus} and ${String(contentType)}`;
  return { status: httpStatuses[httpStatus ?? 0] ?? 'unknown', message };
}

const httpStatuses: Readonly<Record<number, FailureStatus>> = {
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
export function resetFailure(rstCode: number): Failure {
  const own = namesByCode.get(String(rstCode - ownResetCodes));
  if (own !== undefined && own !== 'ok') return { status: own, message: 'reset by the peer' };
  const status = resetStatuses[rstCode] ?? 'internal';
  return { status, message: `the stream was reset with HTTP/2 code ${rstCode}` };
}

const resetStatuses: Readonly<Record<number, FailureStatus>> = {
  [constants.NGHTTP2_REFUSED_STREAM]: 'unavailable',
  [constants.NGHTTP2_CANCEL]: 'cancelled',
  [constants.NGHTTP2_ENHANCE_YOUR_CALM]: 'resourceExhausted',
  [constants.NGHTTP2_INADEQUATE_SECURITY]: 'permissionDenied',
};
