import type { Entry, LogIndex, Term } from '@d-engine/base';

// What Raft says to its peers, identical in shape to the message types of the `raft` package:
// `wire` may not import that one, and structural typing lets the node pass its objects through.

export interface PreVoteRequest {
  readonly type: 'preVoteRequest';
  readonly term: Term;
  readonly lastLogIndex: LogIndex;
  readonly lastLogTerm: Term;
  readonly everyVoter: boolean;
}

export interface VoteRequest {
  readonly type: 'voteRequest';
  readonly term: Term;
  readonly lastLogIndex: LogIndex;
  readonly lastLogTerm: Term;
  readonly leadershipTransfer: boolean;
  readonly everyVoter: boolean;
}

export interface VoteResponse {
  readonly type: 'voteResponse';
  readonly term: Term;
  readonly preVote: boolean;
  readonly granted: boolean;
}

export interface FromLeader {
  readonly term: Term;
  readonly leaderCommit: LogIndex;
  readonly token: number;
  /** Whole milliseconds. */
  readonly stickinessMs: number;
}

export interface AppendRequest extends FromLeader {
  readonly type: 'appendRequest';
  readonly prevLogIndex: LogIndex;
  readonly prevLogTerm: Term;
  /** Consecutive, from `prevLogIndex + 1`. */
  readonly entries: readonly Entry[];
}

export interface AppendMatched {
  readonly type: 'matched';
  readonly matchIndex: LogIndex;
}

export interface AppendConflict {
  readonly type: 'conflict';
  readonly rejectedIndex: LogIndex;
  readonly hintIndex: LogIndex;
  readonly hintTerm: Term;
}

export interface AppendResponse {
  readonly type: 'appendResponse';
  readonly term: Term;
  readonly token: number;
  readonly result: AppendMatched | AppendConflict;
}

export interface HeartbeatRequest extends FromLeader {
  readonly type: 'heartbeatRequest';
  readonly recoverRun: number;
  readonly recoverTo: LogIndex;
}

export interface HeartbeatResponse {
  readonly type: 'heartbeatResponse';
  readonly term: Term;
  readonly token: number;
  readonly matchIndex: LogIndex;
}

export interface TimeoutNowRequest {
  readonly type: 'timeoutNowRequest';
  readonly term: Term;
}

export interface ReadIndexRequest {
  readonly type: 'readIndexRequest';
  readonly term: Term;
  readonly readId: number;
}

export interface ReadIndexResponse {
  readonly type: 'readIndexResponse';
  readonly term: Term;
  readonly readId: number;
  /** Undefined: refused. */
  readonly index: LogIndex | undefined;
}

export type RaftMessage =
  | PreVoteRequest
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendResponse
  | HeartbeatRequest
  | HeartbeatResponse
  | TimeoutNowRequest
  | ReadIndexRequest
  | ReadIndexResponse;
