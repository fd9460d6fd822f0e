import type { LogFields, Logger, LogLevel } from '@d-engine/base';
import { silentLogger } from '@d-engine/base';
import type { Outgoing } from '@d-engine/raft';
import { expect, test } from 'vitest';
import { logMessages } from './message-log.ts';

const messages: readonly Outgoing[] = [
  { to: 2, message: { type: 'voteResponse', term: 4, preVote: false, granted: true } },
  { to: 3, message: { type: 'heartbeatResponse', term: 4, token: 7, matchIndex: 9 } },
  {
    to: 3,
    message: {
      type: 'appendResponse',
      term: 4,
      token: 7,
      result: { type: 'conflict', rejectedIndex: 9, hintIndex: 5, hintTerm: 2 },
    },
  },
];

function linesAt(levels: readonly LogLevel[]): string[] {
  const lines: string[] = [];
  const say =
    (level: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
    };
  const logger: Logger = {
    ...silentLogger,
    enabled: (level) => levels.includes(level),
    trace: say('trace'),
    debug: say('debug'),
  };
  logMessages(logger, messages);
  return lines;
}

test('debug tells of votes and conflicts', () => {
  expect(linesAt(['debug'])).toEqual([
    'debug voteResponse to peer 2 {"term":4,"pre_vote":false,"granted":true}',
    'debug appendResponse to peer 3 {"term":4,"rejected_index":9,"hint_index":5,"hint_term":2}',
  ]);
});

test('trace tells of every message, info of none', () => {
  expect(linesAt(['trace', 'debug'])).toContain(
    'trace heartbeatResponse to peer 3 {"term":4,"token":7,"match_index":9}',
  );
  expect(linesAt([])).toEqual([]);
});
