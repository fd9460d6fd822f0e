import { type DEngineError, errorRegistry } from '@d-engine/base';
import { formatLeader, leaderMetadataKey } from './leader-metadata.ts';

/** An error as an HTTP/JSON answer. */
export interface HttpError {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON, ending in a newline. */
  readonly body: string;
}

export function toHttpError(error: DEngineError): HttpError {
  const definition = errorRegistry[error.name];
  const retryAfterMs =
    error.retryAfterMs === undefined ? null : Math.max(0, Math.ceil(error.retryAfterMs));
  const headers: Record<string, string> = { 'content-type': 'application/json; charset=utf-8' };
  // Retry-After counts whole seconds; 0 would tell callers not to wait at all.
  if (retryAfterMs !== null)
    headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  if (error.leader !== undefined) headers[leaderMetadataKey] = formatLeader(error.leader);
  const body = {
    error: {
      code: definition.code,
      name: error.name,
      message: error.message,
      retryable: error.retryable,
      may_have_been_applied: error.mayHaveBeenApplied,
      retry_after_ms: retryAfterMs,
      leader:
        error.leader === undefined ? null : { id: error.leader.id, address: error.leader.address },
    },
  };
  return { status: definition.http, headers, body: `${JSON.stringify(body)}\n` };
}
