import { DEngineError, errorNameOf, type FailureStatus, StatusError } from '@d-engine/base';
import {
  type ErrorOutcome,
  errorFromResponse,
  errorFromStatus,
  errorMetadataKey,
  type Operation,
} from '@d-engine/wire';

/**
 * Where a failure comes from. `server`: a node decided so. Else no answer of a node came back:
 * `unreachable`, nothing was sent; `lost`, the connection broke; `silent`, the time was over;
 * `ended`, the caller's signal or the close.
 */
export type FailureSource = 'server' | 'unreachable' | 'lost' | 'silent' | 'ended';

/** Why one attempt at an operation did not succeed. */
export interface AttemptFailure {
  readonly error: DEngineError;
  readonly source: FailureSource;
  /**
   * The command was certainly not proposed by this attempt, so that it may be sent again
   * (design rule 9). Where it is false, the error says that the write may have been applied.
   */
  readonly refused: boolean;
}

/** Statuses that only a node's own code answers with, never a transport on its way. */
const refusals: ReadonlySet<FailureStatus> = new Set<FailureStatus>([
  'invalidArgument',
  'outOfRange',
  'failedPrecondition',
  'permissionDenied',
  'unauthenticated',
  'unimplemented',
]);

/** The failure of a call that ended with a status. */
export function failureOfCall(thrown: unknown, operation: Operation): AttemptFailure {
  if (!(thrown instanceof StatusError)) {
    const text = 'the network layer broke its contract, a defect: please report it';
    const error = new DEngineError('General', text, { cause: thrown });
    return { error, source: 'server', refused: false };
  }
  const error = errorFromStatus(thrown, operation);
  const named = errorNameOf(Number(thrown.metadata[errorMetadataKey])) !== undefined;
  const answered = named || refusals.has(thrown.status);
  const refused = !thrown.mayHaveBeenSent || (answered && !error.mayHaveBeenApplied);
  // What has a name and was never sent, a transport refused: TLS, for example.
  const unsent = named && !thrown.mayHaveBeenSent;
  const source = answered && !unsent ? 'server' : sourceOf(thrown);
  return { error: agree(error, operation, refused, thrown), source, refused };
}

function sourceOf(thrown: StatusError): FailureSource {
  if (thrown.status === 'cancelled') return 'ended';
  if (!thrown.mayHaveBeenSent) return 'unreachable';
  return thrown.status === 'deadlineExceeded' ? 'silent' : 'lost';
}

/** The failure that a node answered within its response. */
export function failureOfResponse(outcome: ErrorOutcome, operation: Operation): AttemptFailure {
  const error = errorFromResponse(outcome);
  // Nodes of the original do not say whether they proposed; these two they answer before they do.
  const early = error.name === 'NotLeader' || error.name === 'RateLimited';
  const maybe = outcome.metadata.mayHaveBeenApplied ?? !early;
  return { error: agree(error, operation, !maybe, error), source: 'server', refused: !maybe };
}

/** An error whose registry entry says of the write what is known of this attempt. */
function agree(
  error: DEngineError,
  operation: Operation,
  refused: boolean,
  cause: Error,
): DEngineError {
  if (operation === 'read' || refused !== error.mayHaveBeenApplied) return error;
  const { message, leader, retryAfterMs } = error;
  const name = refused ? 'ClusterUnavailable' : 'ConnectionTimeout';
  return new DEngineError(name, message, { leader, retryAfterMs, cause });
}
