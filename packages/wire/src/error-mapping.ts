import {
  DEngineError,
  describeError,
  errorRegistry,
  type Failure,
  MalformedEntry,
  MalformedMessage,
  StatusError,
} from '@d-engine/base';
import type { ClientResponse } from './client-response.ts';
import { errorFromStatus } from './error-recovery.ts';
import type { ForwardError } from './forward-messages.ts';
import {
  errorMetadataKey,
  formatLeader,
  leaderMetadataKey,
  retryAfterMetadataKey,
} from './leader-metadata.ts';

// The serving side: one error, in the words of each protocol. All numbers are of the registry.

/** Whatever was thrown, as an error of the registry. Defects of ours are `General`. */
export function toDEngineError(thrown: unknown): DEngineError {
  if (thrown instanceof DEngineError) return thrown;
  if (thrown instanceof MalformedMessage || thrown instanceof MalformedEntry) {
    return new DEngineError('InvalidRequest', thrown.message, { cause: thrown });
  }
  if (thrown instanceof StatusError) return errorFromStatus(thrown, 'write');
  return new DEngineError('General', describeError(thrown), { cause: thrown });
}

/** As the failure of a gRPC call, with the leader where one is known. */
export function toFailure(error: DEngineError): Failure {
  const definition = errorRegistry[error.name];
  const metadata: Record<string, string> = { [errorMetadataKey]: String(definition.code) };
  if (error.leader !== undefined) metadata[leaderMetadataKey] = formatLeader(error.leader);
  if (error.retryAfterMs !== undefined) {
    metadata[retryAfterMetadataKey] = String(Math.ceil(error.retryAfterMs));
  }
  return { status: definition.grpc, message: error.message, metadata };
}

/** As the error field of a ClientResponse. */
export function toErrorResponse(error: DEngineError): ClientResponse {
  return {
    type: 'error',
    code: error.code,
    metadata: {
      retryAfterMs: error.retryAfterMs === undefined ? undefined : Math.ceil(error.retryAfterMs),
      leaderId: error.leader === undefined ? undefined : String(error.leader.id),
      leaderAddress: error.leader?.address,
      debugMessage: error.message,
      mayHaveBeenApplied: error.mayHaveBeenApplied,
      retryable: error.retryable,
    },
  };
}

/** As the outcome of a forwarded write. */
export function toForwardError(error: DEngineError): ForwardError {
  const { name, message, leader, retryAfterMs } = error;
  return { type: 'error', name, message, leader, retryAfterMs };
}
