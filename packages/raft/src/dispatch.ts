import type { Instant } from '@d-engine/base';
import { unreachable } from '@d-engine/base';
import type { Core } from './core.ts';
import {
  handlePreVoteRequest,
  handleTimeoutNow,
  handleVoteRequest,
  handleVoteResponse,
} from './election.ts';
import { handleAppend, handleHeartbeat, refuseOldLeader } from './follower.ts';
import type { LeaderState } from './leader-state.ts';
import type {
  AppendRequest,
  AppendResponse,
  HeartbeatRequest,
  HeartbeatResponse,
  RaftMessage,
  Sender,
} from './messages.ts';
import { handleReadIndexRequest, handleReadIndexResponse } from './reads.ts';
import { handleAppendResponse, handleHeartbeatResponse } from './replication.ts';

/** Settles terms first, as every message does (Raft paper, figure 2), then does what it asks. */
export function dispatch(core: Core, sender: Sender, message: RaftMessage, at: Instant): void {
  if (message.term > core.term && !takeNewerTerm(core, sender, message, at)) return;
  switch (message.type) {
    case 'preVoteRequest':
      handlePreVoteRequest(core, sender, message, at);
      break;
    case 'voteRequest':
      handleVoteRequest(core, sender, message, at);
      break;
    case 'voteResponse':
      handleVoteResponse(core, sender, message, at);
      break;
    case 'appendRequest':
    case 'heartbeatRequest':
      hearLeaderOfTerm(core, sender, message, at);
      break;
    case 'appendResponse':
    case 'heartbeatResponse':
      // What answers an older term of ours says nothing about this one.
      if (core.leader !== undefined && message.term === core.term) {
        hearFollower(core, core.leader, sender, message, at);
      }
      break;
    case 'timeoutNowRequest':
      handleTimeoutNow(core, sender, message, at);
      break;
    case 'readIndexRequest':
      handleReadIndexRequest(core, sender, message);
      break;
    case 'readIndexResponse':
      handleReadIndexResponse(core, sender, message);
      break;
    default:
      unreachable(message, 'message');
  }
}

/** Takes over a term above the own one where the message calls for it. False: drop the message. */
function takeNewerTerm(core: Core, sender: Sender, message: RaftMessage, at: Instant): boolean {
  const { type, term } = message;
  // A pre-vote asks about a term that nobody is in yet, and its grant speaks of the same one.
  if (type === 'preVoteRequest') return true;
  if (type === 'voteResponse' && message.preVote && message.granted) return true;
  if (type === 'voteRequest' && !message.leadershipTransfer) {
    // Who hears a leader ignores the disturbance, term and all (dissertation, 4.2.3). A candidate
    // that is ahead for good is helped by its answers to the leader, which then steps down.
    if (at.monotonicMs < core.stickyUntilMs) return false;
  }
  const fromLeader = type === 'appendRequest' || type === 'heartbeatRequest';
  const because = `member ${sender.nodeId} is in term ${term}`;
  core.becomeFollower(term, fromLeader ? sender.nodeId : null, because, at);
  return true;
}

function hearLeaderOfTerm(
  core: Core,
  sender: Sender,
  message: AppendRequest | HeartbeatRequest,
  at: Instant,
): void {
  if (message.term < core.term) refuseOldLeader(core, sender, message);
  else if (message.type === 'appendRequest') handleAppend(core, sender, message, at);
  else handleHeartbeat(core, sender, message, at);
}

function hearFollower(
  core: Core,
  leader: LeaderState,
  sender: Sender,
  message: AppendResponse | HeartbeatResponse,
  at: Instant,
): void {
  if (message.type === 'appendResponse') handleAppendResponse(core, leader, sender, message, at);
  else handleHeartbeatResponse(core, leader, sender, message, at);
}
