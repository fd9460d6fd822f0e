import type { LogFields, Logger } from '@d-engine/base';
import type { Outgoing, RaftMessage } from '@d-engine/raft';

/** Tells what Raft sends: elections, conflicts and handing over at debug, all else at trace. */
export function logMessages(logger: Logger, messages: readonly Outgoing[]): void {
  if (messages.length === 0 || !logger.enabled('debug')) return;
  for (const { to, message } of messages) {
    const level = levelOf(message);
    if (logger.enabled(level)) logger[level](`${message.type} to peer ${to}`, fieldsOf(message));
  }
}

function levelOf(message: RaftMessage): 'debug' | 'trace' {
  switch (message.type) {
    case 'preVoteRequest':
    case 'voteRequest':
    case 'voteResponse':
    case 'timeoutNowRequest':
      return 'debug';
    case 'appendResponse':
      return message.result.type === 'conflict' ? 'debug' : 'trace';
    case 'appendRequest':
    case 'heartbeatRequest':
    case 'heartbeatResponse':
    case 'readIndexRequest':
    case 'readIndexResponse':
      return 'trace';
  }
}

function fieldsOf(message: RaftMessage): LogFields {
  const { term } = message;
  switch (message.type) {
    case 'preVoteRequest':
      return { term, last_log_index: message.lastLogIndex, last_log_term: message.lastLogTerm };
    case 'voteRequest':
      return {
        term,
        last_log_index: message.lastLogIndex,
        last_log_term: message.lastLogTerm,
        handed_over: message.leadershipTransfer,
      };
    case 'voteResponse':
      return { term, pre_vote: message.preVote, granted: message.granted };
    case 'appendRequest':
      return {
        term,
        prev_log_index: message.prevLogIndex,
        prev_log_term: message.prevLogTerm,
        entries: message.entries.length,
        commit_index: message.leaderCommit,
      };
    case 'appendResponse':
      if (message.result.type === 'matched')
        return { term, match_index: message.result.matchIndex };
      return {
        term,
        rejected_index: message.result.rejectedIndex,
        hint_index: message.result.hintIndex,
        hint_term: message.result.hintTerm,
      };
    case 'heartbeatRequest':
      return { term, token: message.token, commit_index: message.leaderCommit };
    case 'heartbeatResponse':
      return { term, token: message.token, match_index: message.matchIndex };
    case 'timeoutNowRequest':
      return { term };
    case 'readIndexRequest':
      return { term, read: message.readId };
    case 'readIndexResponse':
      return { term, read: message.readId, index: message.index };
  }
}
