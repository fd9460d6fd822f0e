import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import type { Failure, Metadata } from '@d-engine/base';
import { statusCodes } from '@d-engine/base';
import { decodeGrpcMessage, encodeGrpcMessage, statusNameOf } from '@d-engine/wire';
import { metadataOf } from './headers.ts';

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
  const name = typeof code === 'string' ? statusNameOf(code) : undefined;
  if (name === 'ok') return undefined;
  const metadata = metadataOf(trailers, headers);
  if (name === undefined) {
    return { status: 'unknown', message: `ended with the status ${String(code)}`, metadata };
  }
  const text = trailers['grpc-message'];
  const message = decodeGrpcMessage(Array.isArray(text) ? text.join(', ') : text);
  return { status: name, message, metadata };
}
