import type { Failure, Metadata } from '@d-engine/base';
import { statusCodes } from '@d-engine/base';
import type { HeaderList } from '../hpack/header-list.ts';
import { headerOf, metadataOf, withMetadata } from './call-metadata.ts';
import { decodeGrpcMessage, encodeGrpcMessage } from './grpc-text.ts';
import { statusNameOf } from './status-codes.ts';

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
  const name = statusNameOf(code);
  if (name === 'ok') return undefined;
  const metadata = metadataOf(trailers, headers);
  if (name === undefined) {
    return { status: 'unknown', message: `ended with the status ${String(code)}`, metadata };
  }
  const message = decodeGrpcMessage(headerOf(trailers, 'grpc-message'));
  return { status: name, message, metadata };
}
