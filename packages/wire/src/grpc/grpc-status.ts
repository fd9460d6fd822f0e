import type { Failure, Metadata } from '@d-engine/base';
import { statusCodes } from '@d-engine/base';
import type { HeaderList } from '../hpack/header-list.ts';
import { headerOf, metadataOf, withMetadata } from './call-metadata.ts';
import { acceptedEncodings, decodeGrpcMessage, encodeGrpcMessage } from './grpc-text.ts';
import { statusNameOf } from './status-codes.ts';
import { statusDetailsKey, statusDetailsOf } from './status-details.ts';

/** What an answer begins with, and how one that succeeded ends: the same lists every time. */
export const okHeaders: HeaderList = Object.freeze([
  ...[':status', '200', 'content-type', 'application/grpc'],
  ...['grpc-accept-encoding', acceptedEncodings],
]);
/** The same, where messages may be packed. */
export const packedHeaders: HeaderList = Object.freeze([...okHeaders, 'grpc-encoding', 'gzip']);
export const okTrailers: HeaderList = Object.freeze(['grpc-status', '0']);

/** The trailers that end a call or a stream in a failure. */
export function failureTrailers(failure: Failure): HeaderList {
  const details = statusDetailsOf(failure);
  return withMetadata(
    [
      ...['grpc-status', String(statusCodes[failure.status])],
      ...['grpc-message', encodeGrpcMessage(failure.message)],
      ...(details === undefined ? [] : [statusDetailsKey, details]),
    ],
    failure.metadata,
  );
}

/** An answer without a message: its one header block says why. */
export function failureHeaders(failure: Failure): HeaderList {
  return [...okHeaders, ...failureTrailers(failure)];
}

/** What trailers say: undefined for success; a missing or unknown status is a failure as well. */
export function trailersFailure(trailers: HeaderList, headers: Metadata): Failure | undefined {
  const code = headerOf(trailers, 'grpc-status');
  const name = statusNameOf(code);
  if (name === 'ok') return undefined;
  const metadata = metadataOf(trailers, headers);
  if (name === undefined) {
    return { status: 'unknown', message: `ended with the status ${String(code)}`, metadata };
  }
  const message = decodeGrpcMessage(headerOf(trailers, 'grpc-message'));
  return { status: name, message, metadata };
}
