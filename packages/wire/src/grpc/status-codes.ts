import type { Failure, FailureStatus, StatusName } from '@d-engine/base';
import { statusCodes } from '@d-engine/base';
import { errorCodes } from '../http2/codes.ts';

const namesByCode: ReadonlyMap<string, StatusName> = new Map(
  (Object.keys(statusCodes) as StatusName[]).map((name) => [String(statusCodes[name]), name]),
);

/** Of a grpc-status header; undefined when it is missing or unknown. */
export function statusNameOf(code: string | undefined): StatusName | undefined {
  return code === undefined ? undefined : namesByCode.get(code);
}

/** For an answer that is not of gRPC: what its HTTP status amounts to. */
export function httpStatusFailure(
  status: string | number | undefined,
  contentType: unknown,
): Failure {
  const message = `the peer answered with HTTP status ${status} and ${String(contentType)}`;
  return { status: httpStatuses.get(String(status)) ?? 'unknown', message };
}

const httpStatuses: ReadonlyMap<string, FailureStatus> = new Map([
  ['400', 'internal'],
  ['401', 'unauthenticated'],
  ['403', 'permissionDenied'],
  ['404', 'unimplemented'],
  ['415', 'internal'],
  ['429', 'unavailable'],
  ['502', 'unavailable'],
  ['503', 'unavailable'],
  ['504', 'unavailable'],
]);

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
  const own = statusNameOf(String(code - ownResetCodes));
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
