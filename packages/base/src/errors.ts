import type { Address, NodeId } from './ids.ts';
import type { FailureStatus } from './network.ts';
import type { ResumeToken } from './watch-api.ts';

/** What an error says of the write that met it: `never` applied, or `maybe`. */
export type Applied = 'never' | 'maybe';

export interface ErrorDefinition {
  /** Stable number; those below 10000 are the original's (reference, part 3.6). */
  readonly code: number;
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean;
  readonly applied: Applied;
  readonly grpc: FailureStatus;
  readonly http: number;
  /** One line for the error reference: when it happens and what to do. */
  readonly help: string;
}

const define = (
  code: number,
  retryable: boolean,
  applied: Applied,
  grpc: FailureStatus,
  http: number,
  help: string,
): ErrorDefinition => ({ code, retryable, applied, grpc, http, help });

export type ErrorName =
  | 'ConnectionTimeout'
  | 'InvalidAddress'
  | 'LeaderChanged'
  | 'InvalidResponse'
  | 'VersionMismatch'
  | 'DiskFull'
  | 'DataCorruption'
  | 'StorageIoError'
  | 'StoragePermissionDenied'
  | 'KeyNotExist'
  | 'NotLeader'
  | 'StaleOperation'
  | 'InvalidRequest'
  | 'RateLimited'
  | 'ClusterUnavailable'
  | 'ProposeFailed'
  | 'TermOutdated'
  | 'RetryRequired'
  | 'WatchBufferOverflow'
  | 'General'
  | 'Uncategorized'
  | 'Unsupported'
  | 'RequestTooLarge'
  | 'NotFound'
  | 'MethodNotAllowed'
  | 'Forbidden'
  | 'DeadlineExceeded'
  | 'Stopped'
  | 'WrongCluster'
  | 'MemberRefused'
  | 'StateDiverged'
  | 'TlsFailed'
  | 'StateFull'
  | 'HistoryGivenUp'
  | 'ChangeInFlight'
  | 'KnownMember'
  | 'ReadOnlyMember'
  | 'LastVoter'
  | 'LearnerBehind'
  | 'QuorumAtRisk'
  | 'MemberRemoved'
  | 'LeaseNotFound'
  | 'SessionExpired'
  | 'WatchCompacted';

/** Every error that a caller can meet. The docs page and the mappings come from this table. */
export const errorRegistry: Readonly<Record<ErrorName, ErrorDefinition>> = {
  ConnectionTimeout: define(1001, true, 'maybe', 'deadlineExceeded', 504, 'No answer in time.'),
  InvalidAddress: define(1002, false, 'never', 'invalidArgument', 400, 'Not a host:port.'),
  LeaderChanged: define(1003, true, 'never', 'failedPrecondition', 503, 'Ask the new leader.'),
  InvalidResponse: define(2001, false, 'maybe', 'internal', 500, 'The peer speaks otherwise.'),
  VersionMismatch: define(2002, false, 'never', 'failedPrecondition', 400, 'Upgrade one side.'),
  DiskFull: define(3001, true, 'never', 'resourceExhausted', 507, 'Free space on the disk.'),
  DataCorruption: define(3002, false, 'maybe', 'dataLoss', 500, 'Replace the damaged member.'),
  StorageIoError: define(3003, false, 'maybe', 'internal', 500, 'Check the disk.'),
  StoragePermissionDenied: define(3004, false, 'never', 'internal', 500, 'Fix the permissions.'),
  KeyNotExist: define(3005, false, 'never', 'notFound', 404, 'The key is absent.'),
  NotLeader: define(4001, true, 'never', 'failedPrecondition', 503, 'Ask the leader in the hint.'),
  StaleOperation: define(4002, true, 'never', 'failedPrecondition', 503, 'Read again, then retry.'),
  InvalidRequest: define(4003, false, 'never', 'invalidArgument', 400, 'Mend the request.'),
  RateLimited: define(4004, true, 'never', 'resourceExhausted', 429, 'Retry after the pause.'),
  ClusterUnavailable: define(
    4005,
    true,
    'never',
    'unavailable',
    503,
    'No leader or no quorum: start the missing members, then retry.',
  ),
  ProposeFailed: define(
    4006,
    false,
    'maybe',
    'deadlineExceeded',
    504,
    'The write was proposed and its outcome is unknown: read before writing again.',
  ),
  TermOutdated: define(4007, true, 'never', 'failedPrecondition', 503, 'Ask the new leader.'),
  RetryRequired: define(4008, true, 'never', 'aborted', 503, 'Try again.'),
  WatchBufferOverflow: define(5001, true, 'never', 'resourceExhausted', 429, 'Watch again.'),
  General: define(8888, false, 'maybe', 'internal', 500, 'See the message.'),
  Uncategorized: define(9999, false, 'maybe', 'unknown', 500, 'See the message.'),
  Unsupported: define(10001, false, 'never', 'unimplemented', 501, 'Not in this version.'),
  RequestTooLarge: define(10002, false, 'never', 'invalidArgument', 413, 'Send less at once.'),
  NotFound: define(10003, false, 'never', 'notFound', 404, 'No such route or member.'),
  MethodNotAllowed: define(10004, false, 'never', 'unimplemented', 405, 'See the Allow header.'),
  Forbidden: define(10005, false, 'never', 'permissionDenied', 403, 'Not from this caller.'),
  DeadlineExceeded: define(
    10006,
    true,
    'never',
    'deadlineExceeded',
    504,
    'A read got no answer in time; it changed nothing.',
  ),
  Stopped: define(10007, true, 'never', 'unavailable', 503, 'The node is stopping or stopped.'),
  WrongCluster: define(
    10008,
    false,
    'never',
    'failedPrecondition',
    503,
    'The address belongs to another cluster: mend the list of endpoints.',
  ),
  MemberRefused: define(
    10009,
    false,
    'never',
    'failedPrecondition',
    503,
    'The cluster knows this node id by another data directory.',
  ),
  TlsFailed: define(
    10010,
    false,
    'never',
    'unauthenticated',
    503,
    'No TLS with this address: mend the certificates, names or authorities that it names.',
  ),
  StateFull: define(
    10011,
    false,
    'never',
    'resourceExhausted',
    507,
    'The state is at limits.max_state_bytes: delete keys, or raise it on every member.',
  ),
  ChangeInFlight: define(
    10040,
    true,
    'never',
    'aborted',
    409,
    'A change of members is not committed yet: retry in a moment.',
  ),
  KnownMember: define(
    10041,
    false,
    'never',
    'alreadyExists',
    409,
    'The node id is a member already: take another id, remove it first, or replace it.',
  ),
  ReadOnlyMember: define(
    10042,
    false,
    'never',
    'failedPrecondition',
    409,
    'A READ_ONLY learner never votes: let it join as PROMOTABLE instead.',
  ),
  LastVoter: define(
    10043,
    false,
    'never',
    'failedPrecondition',
    409,
    'A cluster without a voter is none: promote another member first.',
  ),
  LearnerBehind: define(
    10044,
    true,
    'never',
    'unavailable',
    503,
    'The learner has not caught up, and would hold up writes as a voter: retry later.',
  ),
  QuorumAtRisk: define(
    10045,
    false,
    'never',
    'failedPrecondition',
    409,
    'Too few of the voters that would remain are reached: start them first.',
  ),
  MemberRemoved: define(
    10046,
    false,
    'never',
    'failedPrecondition',
    503,
    'The cluster goes on without this member: stop it; to return, wipe its data and join.',
  ),
  LeaseNotFound: define(
    10012,
    false,
    'never',
    'notFound',
    404,
    'The lease is over, or never was: grant a new one and write what hung on it anew.',
  ),
  SessionExpired: define(
    10013,
    false,
    'maybe',
    'failedPrecondition',
    410,
    'The session of the write is over, so nobody knows whether it was applied: read first.',
  ),
  StateDiverged: define(
    10020,
    false,
    'never',
    'failedPrecondition',
    503,
    'The state of this member is not that of a quorum: ask another member, replace this one.',
  ),
  HistoryGivenUp: define(
    10021,
    false,
    'maybe',
    'dataLoss',
    503,
    'The member holds what its cluster gave up: save a copy, wipe its directory, start it again.',
  ),
  WatchCompacted: define(
    10030,
    false,
    'never',
    'outOfRange',
    410,
    'Its events are no longer kept here: read the state anew, then watch above what was read.',
  ),
};

export interface LeaderHint {
  readonly id: NodeId;
  readonly address: Address;
}

export interface ErrorDetails {
  readonly leader?: LeaderHint | undefined;
  readonly retryAfterMs?: number | undefined;
  /** Of a watch that was compacted: what is read at this revision or later can be watched on. */
  readonly resumeAt?: ResumeToken | undefined;
  readonly cause?: unknown;
}

/** The one exception that callers of the engine and of the client meet. */
export class DEngineError extends Error {
  /** An entry of {@link errorRegistry}. */
  override readonly name: ErrorName;
  readonly leader: LeaderHint | undefined;
  readonly retryAfterMs: number | undefined;
  readonly resumeAt: ResumeToken | undefined;

  /** `message` says what happened and what to do. */
  constructor(name: ErrorName, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = name;
    this.leader = details.leader;
    this.retryAfterMs = details.retryAfterMs;
    this.resumeAt = details.resumeAt;
  }

  get code(): number {
    return errorRegistry[this.name].code;
  }

  get retryable(): boolean {
    return errorRegistry[this.name].retryable;
  }

  /** True when the write may have taken effect although this error was thrown. */
  get mayHaveBeenApplied(): boolean {
    return errorRegistry[this.name].applied === 'maybe';
  }
}

const namesByCode = new Map<number, ErrorName>(
  (Object.keys(errorRegistry) as ErrorName[]).map((name) => [errorRegistry[name].code, name]),
);

/** The registry's name for a number from the wire; undefined for 0 and for unknown numbers. */
export function errorNameOf(code: number): ErrorName | undefined {
  return namesByCode.get(code);
}

/** The error's text with all its causes, for logs and terminals; each thing is said once. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause === undefined) return error.message;
  const cause = describeError(error.cause);
  return error.message.includes(cause) ? error.message : `${error.message}: ${cause}`;
}
