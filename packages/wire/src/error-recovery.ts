import {
  DEngineError,
  type ErrorName,
  errorNameOf,
  errorRegistry,
  type StatusError,
} from '@d-engine/base';
import type { ErrorOutcome } from './client-response.ts';
import type { ForwardError } from './forward-messages.ts';
import { errorOfDetails, statusDetailsKey } from './grpc/status-details.ts';
import {
  errorMetadataKey,
  leaderOf,
  makeLeader,
  retryAfterMetadataKey,
} from './leader-metadata.ts';

/** A write that failed halfway may have been applied; a read changed nothing. */
export type Operation = 'write' | 'read';

// The calling side: from a protocol's words back to one error.

/** The error behind the failure of a gRPC call, of ours or of the original. */
export function errorFromStatus(error: StatusError, operation: Operation): DEngineError {
  const leader = leaderOf(error.metadata);
  const name = namedError(error) ?? guessName(error, operation, leader !== undefined);
  const retryAfterMs = wholeNumber(error.metadata[retryAfterMetadataKey]);
  return new DEngineError(name, error.message, { leader, retryAfterMs, cause: error });
}

/** Nodes of ours say in metadata which error it is, and in the details of the status. */
function namedError(error: StatusError): ErrorName | undefined {
  const code = wholeNumber(error.metadata[errorMetadataKey]);
  if (code !== undefined) return errorNameOf(code);
  return errorOfDetails(error.metadata[statusDetailsKey]);
}

/** Statuses of the original's nodes, and of the transport itself (reference, part 3.6). */
function guessName(error: StatusError, operation: Operation, hasLeader: boolean): ErrorName {
  switch (error.status) {
    case 'unavailable':
    case 'aborted':
      return mayBeApplied(error, operation) ? 'ConnectionTimeout' : 'ClusterUnavailable';
    case 'cancelled':
    case 'deadlineExceeded':
      if (mayBeApplied(error, operation)) return 'ConnectionTimeout';
      return operation === 'read' ? 'DeadlineExceeded' : 'ClusterUnavailable';
    case 'failedPrecondition':
      return hasLeader ? 'LeaderChanged' : 'StaleOperation';
    case 'invalidArgument':
    case 'outOfRange':
      return 'InvalidRequest';
    case 'permissionDenied':
      return 'NotLeader';
    case 'unauthenticated':
      return 'Forbidden';
    case 'resourceExhausted':
      return 'RateLimited';
    case 'notFound':
      return 'NotFound';
    case 'unimplemented':
      return 'Unsupported';
    case 'dataLoss':
      return 'DataCorruption';
    case 'internal':
    case 'unknown':
    case 'alreadyExists':
      return 'Uncategorized';
  }
}

/** Where nobody says so, a write that reached a connection may have been applied (rule 9). */
function mayBeApplied(error: StatusError, operation: Operation): boolean {
  return operation === 'write' && error.mayHaveBeenSent;
}

/** The error that a ClientResponse carries in its error field. */
export function errorFromResponse(outcome: ErrorOutcome): DEngineError {
  const { metadata } = outcome;
  const name = nameFromCode(outcome.code, metadata.mayHaveBeenApplied === true);
  const message = metadata.debugMessage ?? errorRegistry[name].help;
  return new DEngineError(name, message, {
    leader: makeLeader(Number(metadata.leaderId), metadata.leaderAddress),
    retryAfterMs: metadata.retryAfterMs,
  });
}

/** An unknown number, or one whose meaning here is less careful than the server's, is unsafe. */
function nameFromCode(code: number, serverSaysMaybe: boolean): ErrorName {
  const name = errorNameOf(code) ?? 'Uncategorized';
  if (serverSaysMaybe && errorRegistry[name].applied === 'never') return 'Uncategorized';
  return name;
}

/** The error that a forwarded write met at the leader. */
export function errorFromForward(error: ForwardError): DEngineError {
  const { name, message, leader, retryAfterMs } = error;
  return new DEngineError(name, message, { leader, retryAfterMs });
}

/** Undefined unless it is one: metadata of strangers is no reason for a second error. */
function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
