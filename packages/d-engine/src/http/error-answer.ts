import { DEngineError, errorRegistry, formatResumeToken, type LeaderHint } from '@d-engine/base';
import { formatLeader, leaderMetadataKey } from '@d-engine/wire';
import { reachableAddress } from './address.ts';
import { type Answer, jsonAnswer } from './route.ts';

export interface ErrorContext {
  /** A read never changes anything, whatever became of it. */
  readonly writes: boolean;
  readonly callerHost: string;
  /** Who leads as far as this node knows, for errors that do not say. */
  leaderHint(): LeaderHint | undefined;
  /** Instead of the registry's, where HTTP has a closer one. */
  readonly status?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

const serviceUnavailable = 503;
const tooManyRequests = 429;
/** About the time that an election takes at its fastest. */
const defaultRetryAfterMs = 500;

/** What callers see of a failure. Anything but a DEngineError is a defect of ours. */
export function errorAnswer(thrown: unknown, context: ErrorContext): Answer {
  const error = asDEngineError(thrown);
  const status = context.status ?? errorRegistry[error.name].http;
  const retryAfterMs = retryAfterMsOf(error, status);
  const leader = leaderOf(error, status, context);
  const body = {
    error: {
      code: error.code,
      name: error.name,
      message: error.message,
      retryable: error.retryable,
      may_have_been_applied: context.writes && error.mayHaveBeenApplied,
      retry_after_ms: retryAfterMs ?? null,
      leader: leader ?? null,
      ...resumePlace(error),
    },
  };
  return jsonAnswer(status, body, {
    ...context.headers,
    ...(retryAfterMs === undefined ? {} : { 'retry-after': wholeSeconds(retryAfterMs) }),
    ...(leader === undefined ? {} : { [leaderMetadataKey]: formatLeader(leader) }),
  });
}

/** Where a watch goes on, once the state was read anew. */
function resumePlace({ resumeAt }: DEngineError): object {
  if (resumeAt === undefined) return {};
  return { revision: resumeAt.revision, resume_token: formatResumeToken(resumeAt) };
}

/** What Retry-After counts in; 0 would tell callers not to wait at all. */
function wholeSeconds(ms: number): string {
  return String(Math.max(1, Math.ceil(ms / 1000)));
}

function asDEngineError(thrown: unknown): DEngineError {
  if (thrown instanceof DEngineError) return thrown;
  return new DEngineError(
    'General',
    'an internal error of this node, a defect: its log says more; please report it',
    { cause: thrown },
  );
}

function retryAfterMsOf(error: DEngineError, status: number): number | undefined {
  if (error.retryAfterMs !== undefined) return Math.max(0, Math.ceil(error.retryAfterMs));
  const pauses = status === serviceUnavailable || status === tooManyRequests;
  return pauses && error.retryable ? defaultRetryAfterMs : undefined;
}

function leaderOf(
  error: DEngineError,
  status: number,
  context: ErrorContext,
): LeaderHint | undefined {
  const leader = error.leader ?? (status === serviceUnavailable ? context.leaderHint() : undefined);
  if (leader === undefined) return undefined;
  return { id: leader.id, address: reachableAddress(leader.address, context.callerHost) };
}
