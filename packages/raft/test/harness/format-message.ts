import { unreachable } from '@d-engine/base';
import { formatEntries } from './format-entry.ts';
import type { AppendResponse, RaftMessage } from './raft-under-test.ts';
import type { InFlight } from './simulated-network.ts';

/** `n1 -> n2`: sent; `=>`: handed over; `-x`: lost on the way. */
export type Arrow = '->' | '=>' | '-x';

export function formatInFlight(
  { from, to, message }: Pick<InFlight, 'from' | 'to' | 'message'>,
  arrow: Arrow,
): string {
  return `n${from} ${arrow} n${to} ${formatMessage(message)}`;
}

export function formatMessage(message: RaftMessage): string {
  const head = `${message.type} t${message.term}`;
  switch (message.type) {
    case 'preVoteRequest':
    case 'voteRequest': {
      const last = `last=${message.lastLogIndex}@${message.lastLogTerm}`;
      const isTransfer = message.type === 'voteRequest' && message.leadershipTransfer;
      const voters = message.everyVoter ? ' every-voter' : '';
      return `${head} ${last}${isTransfer ? ' transfer' : ''}${voters}`;
    }
    case 'voteResponse':
      return `${head} ${message.preVote ? 'pre-vote ' : ''}${message.granted ? 'yes' : 'no'}`;
    case 'appendRequest': {
      const prev = `prev=${message.prevLogIndex}@${message.prevLogTerm}`;
      const entries = `[${formatEntries(message.entries)}]`;
      return `${head} ${prev} ${entries} commit=${message.leaderCommit} token=${message.token}`;
    }
    case 'appendResponse':
      return `${head} ${formatResult(message)} token=${message.token}`;
    case 'heartbeatRequest': {
      const stickiness = `stickiness=${message.stickinessMs}`;
      const { recoverRun, recoverTo } = message;
      const goal = recoverRun === 0 ? '' : ` recover run=${recoverRun} to=${recoverTo}`;
      return `${head} commit=${message.leaderCommit} token=${message.token} ${stickiness}${goal}`;
    }
    case 'heartbeatResponse':
      return `${head} match=${message.matchIndex} token=${message.token}`;
    case 'timeoutNowRequest':
      return head;
    case 'readIndexRequest':
      return `${head} read=${message.readId}`;
    case 'readIndexResponse': {
      const answer = message.index === undefined ? 'refused' : `index=${message.index}`;
      return `${head} read=${message.readId} ${answer}`;
    }
    default:
      return unreachable(message, 'message');
  }
}

function formatResult({ result }: AppendResponse): string {
  if (result.type === 'matched') return `match=${result.matchIndex}`;
  return `reject=${result.rejectedIndex} hint=${result.hintIndex}@${result.hintTerm}`;
}
