import type { Entry, InstanceId, LogIndex, NodeId, Term } from '@d-engine/base';

/** Who sent a message, as the hello of the stream that brought it says. */
export interface Sender {
  readonly nodeId: NodeId;
  readonly instanceId: InstanceId;
  /** Of the run that the stream began in: what an earlier run said counts no more (rule 3). */
  readonly bootCount: number;
}

/** Asks whether an election in `term` could be won; changes nothing (dissertation, 9.6). */
export interface PreVoteRequest {
  readonly type: 'preVoteRequest';
  /** The term that the sender would campaign in: its own + 1. */
  readonly term: Term;
  readonly lastLogIndex: LogIndex;
  readonly lastLogTerm: Term;
  readonly everyVoter: boolean;
}

/** Raft paper, figure 2. */
export interface VoteRequest {
  readonly type: 'voteRequest';
  readonly term: Term;
  readonly lastLogIndex: LogIndex;
  readonly lastLogTerm: Term;
  /** The leader itself asked for this election, so stickiness does not hold it back. */
  readonly leadershipTransfer: boolean;
  /** The sender leads only with the vote of every voter, so recovering ones may give theirs. */
  readonly everyVoter: boolean;
}

export interface VoteResponse {
  readonly type: 'voteResponse';
  /** Of the request when granted; else the voter's own. */
  readonly term: Term;
  readonly preVote: boolean;
  readonly granted: boolean;
}

interface FromLeader {
  readonly term: Term;
  readonly leaderCommit: LogIndex;
  /** Made by the leader, rising within its term; the follower echoes it (design rules 4, 5). */
  readonly token: number;
  /** For how long after it voters refuse other candidates; the lease rests on it. */
  readonly stickinessMs: number;
}

/** Travels on Data, in order. Without entries it probes, or passes on a commit index. */
export interface AppendRequest extends FromLeader {
  readonly type: 'appendRequest';
  readonly prevLogIndex: LogIndex;
  readonly prevLogTerm: Term;
  readonly entries: readonly Entry[];
}

export interface AppendResponse {
  readonly type: 'appendResponse';
  readonly term: Term;
  /** The newest token that the follower had seen. */
  readonly token: number;
  readonly result:
    | {
        readonly type: 'matched';
        /** Verified to match this leader's log *and* durable here. */
        readonly matchIndex: LogIndex;
      }
    | {
        readonly type: 'conflict';
        /** The prevLogIndex that did not fit, to recognise late answers. */
        readonly rejectedIndex: LogIndex;
        /** The largest index at or below it that may still match, and its term there. */
        readonly hintIndex: LogIndex;
        readonly hintTerm: Term;
      };
}

/** What ends the recovery of a peer, as its leader of this term says (design rule 3). */
export interface RecoveryGoal {
  /** The run that the next field speaks of; 0 to members that do not recover. */
  readonly recoverRun: number;
  /** In that run it has all that it may have forgotten once it durably holds the log up to here. */
  readonly recoverTo: LogIndex;
}

/** Travels on Control and may overtake entries: hence design rule 6. */
export interface HeartbeatRequest extends FromLeader, RecoveryGoal {
  readonly type: 'heartbeatRequest';
}

export interface HeartbeatResponse {
  readonly type: 'heartbeatResponse';
  readonly term: Term;
  readonly token: number;
  readonly matchIndex: LogIndex;
}

/** Hands leadership over: the receiver campaigns at once (dissertation, 3.10). */
export interface TimeoutNowRequest {
  readonly type: 'timeoutNowRequest';
  readonly term: Term;
}

/** A follower or learner asks for an index that a linearizable read must wait for. */
export interface ReadIndexRequest {
  readonly type: 'readIndexRequest';
  readonly term: Term;
  /** The asker's own name for the read. */
  readonly readId: number;
}

export interface ReadIndexResponse {
  readonly type: 'readIndexResponse';
  readonly term: Term;
  readonly readId: number;
  /** Undefined: refused, ask again elsewhere. */
  readonly index: LogIndex | undefined;
}

export type RaftRequest =
  | PreVoteRequest
  | VoteRequest
  | AppendRequest
  | HeartbeatRequest
  | TimeoutNowRequest
  | ReadIndexRequest;
export type RaftResponse = VoteResponse | AppendResponse | HeartbeatResponse | ReadIndexResponse;
export type RaftMessage = RaftRequest | RaftResponse;

/** A message to send. Responses go back on the stream that brought the request's sender. */
export interface Outgoing {
  readonly to: NodeId;
  readonly message: RaftMessage;
}

/** Where a message travels: appends and their answers on Data, everything else on Control. */
export function planeOf({ type }: RaftMessage): 'control' | 'data' {
  return type === 'appendRequest' || type === 'appendResponse' ? 'data' : 'control';
}

export function isResponse(message: RaftMessage): message is RaftResponse {
  switch (message.type) {
    case 'voteResponse':
    case 'appendResponse':
    case 'heartbeatResponse':
    case 'readIndexResponse':
      return true;
    default:
      return false;
  }
}
