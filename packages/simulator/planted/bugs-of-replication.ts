import type { PlantedBug } from './planted-bug.ts';
import { reached } from './planted-bug.ts';

const core = 'packages/raft/src/core.ts';
const follower = 'packages/raft/src/follower.ts';
const replication = 'packages/raft/src/replication.ts';

/** How entries get into the logs, and when they are committed. */
export const bugsOfReplication: readonly PlantedBug[] = [
  {
    name: 'report durability per index',
    breaks: 'a write makes durable what it wrote, not what stands there since (rule 1)',
    edits: [
      {
        file: 'packages/raft/src/pending-writes.ts',
        find: 'if (write.stands && termAt(write.lastIndex) === write.lastTerm) durable = write.lastIndex;',
        replace: `const term = termAt(write.lastIndex);
      if (term !== undefined && (!write.stands || term !== write.lastTerm)) ${reached};
      if (term !== undefined) durable = write.lastIndex;`,
      },
    ],
    foundBy: ['durable survives a crash'],
  },
  {
    name: 'acknowledge what is not durable yet',
    breaks: 'an acknowledged entry is on disk (rule 1)',
    edits: [
      {
        file: follower,
        find: `result: { type: 'matched', matchIndex: Math.min(core.verifiedIndex, heldIndex) },`,
        replace: `result: { type: 'matched', matchIndex: (${reached}, core.verifiedIndex) },`,
      },
      {
        file: follower,
        find: 'if (!complete && !core.ackReady) return;',
        replace: '',
      },
    ],
    foundBy: ['commit needs a durable quorum'],
  },
  {
    name: 'a leader counts itself before its own disk does',
    breaks: 'a quorum is one of durable logs (rule 1)',
    edits: [
      {
        file: replication,
        find: 'const index = quorumValue(core, leader, ownMatch(core, leader), matchOf);',
        replace: `if (core.durableIndex < core.log.lastIndex) ${reached};
    const index = quorumValue(core, leader, core.log.lastIndex, matchOf);`,
      },
    ],
    foundBy: ['commit needs a durable quorum'],
  },
  {
    name: "count an old term's entry",
    breaks: 'entries of older terms are not committed by counting (Raft paper, figure 8)',
    edits: [
      {
        file: replication,
        find: 'if (index <= core.commitIndex || core.log.termAt(index) !== core.term) return;',
        replace: `if (index <= core.commitIndex) return;
    if (core.log.termAt(index) !== core.term) ${reached};`,
      },
    ],
    foundBy: ['commit needs a durable quorum'],
  },
  {
    name: 'count an acknowledgement of an older term',
    breaks: 'what a follower had in an older term it may have no more',
    edits: [
      {
        file: 'packages/raft/src/dispatch.ts',
        find: 'if (core.leader !== undefined && message.term === core.term) {',
        replace: `if (core.leader !== undefined) {
        if (message.term !== core.term) ${reached};`,
      },
    ],
    foundBy: ['no member dies'],
    assertions: ['echoes an unknown token'],
  },
  {
    name: 'heartbeat commits by the last index',
    breaks: 'a follower commits only what it saw to match the leader (rule 6)',
    edits: [
      {
        file: follower,
        find: 'core.commitTo(Math.min(message.leaderCommit, core.verifiedIndex));\n  core.sendWhenDurable(',
        replace: `if (core.log.lastIndex > core.verifiedIndex) ${reached};
  core.commitTo(Math.min(message.leaderCommit, core.log.lastIndex));
  core.sendWhenDurable(`,
      },
    ],
    foundBy: ['heartbeat commits what is verified'],
  },
  {
    name: 'take entries without a look at what is before them',
    breaks: 'logs that share an entry share all before it (Raft paper, section 5.3)',
    edits: [
      {
        file: follower,
        find: 'if (prevLogIndex >= log.precedingIndex && ownTerm !== prevLogTerm) {',
        replace: `const isBehind = prevLogIndex < log.precedingIndex;
  if (!isBehind && ownTerm !== undefined && ownTerm !== prevLogTerm) ${reached};
  if (!isBehind && ownTerm === undefined) {`,
      },
    ],
    foundBy: ['log matching'],
  },
  {
    name: 'an old message takes entries back',
    breaks: 'only a conflict truncates (Raft paper, figure 2)',
    edits: [
      {
        file: follower,
        find: 'if (log.termAt(index) === entry.term) continue;',
        replace: `if (log.termAt(index) === entry.term) ${reached};`,
      },
    ],
    foundBy: ['no member dies'],
    assertions: ['is committed', 'what matched the leader is not truncated'],
  },
  {
    name: 'truncate below the commit index',
    breaks: 'what is committed stays, though a message ends before it',
    edits: [
      {
        file: follower,
        find: 'const last = prevLogIndex + entries.length;',
        replace: `const last = prevLogIndex + entries.length;
  if (last < core.commitIndex) {
    ${reached};
    core.truncateFrom(last + 1);
  }`,
      },
      {
        file: core,
        find: 'assert(index > this.commitIndex, () => {\n      return `truncation',
        replace: 'assert(true, () => {\n      return `truncation',
      },
      {
        file: core,
        find: "assert(this.verifiedIndex < index, 'what matched the leader is not truncated');",
        replace: '',
      },
      {
        file: core,
        find: "assert(this.commitIndex <= this.log.lastIndex, 'a commit index is in the log');",
        replace: '',
      },
    ],
    foundBy: ['committed is never undone'],
  },
  {
    name: 'an old message takes the commit index back',
    breaks: 'the commit index never falls',
    edits: [
      {
        file: core,
        find: 'if (index <= this.commitIndex) return false;',
        replace: `if (index < this.commitIndex) ${reached};`,
      },
    ],
    foundBy: ['monotonic indexes'],
  },
  {
    name: 'a hint that never gets further',
    breaks: 'a refused append is tried at an earlier place',
    edits: [
      {
        file: 'packages/raft/src/progress.ts',
        find: 'this.#nextIndex = Math.max(Math.min(rejectedIndex, matchHint + 1), this.#matchIndex + 1);',
        replace: `${reached};
    this.#nextIndex = Math.max(rejectedIndex + 1, this.#matchIndex + 1);`,
      },
    ],
    foundBy: ['liveness'],
  },
  {
    name: 'a link that broke stays broken',
    breaks: 'members find one another again',
    edits: [
      {
        file: 'packages/node/src/peers/peer-link.ts',
        find: `this.#timer = undefined;
      this.#open();`,
        replace: `this.#timer = undefined;
      if (wasUp) ${reached};
      else this.#open();`,
      },
    ],
    foundBy: ['liveness'],
  },
  {
    name: 'a leader takes back what no quorum confirms',
    breaks: 'a leader never removes an entry of its own log (Raft paper, figure 3)',
    edits: [
      {
        file: 'packages/raft/src/raft.ts',
        find: 'abortLateTransfer(core, leader, at);',
        replace: `abortLateTransfer(core, leader, at);
    const soon = { ...at, monotonicMs: at.monotonicMs + core.config.electionTimeoutMinMs };
    const last = Math.max(core.commitIndex, leader.noopIndex);
    if (core.log.lastIndex > last && !hasQuorumContact(core, leader, soon)) {
      ${reached};
      core.truncateFrom(last + 1);
    }`,
      },
    ],
    foundBy: ['leader append-only'],
  },
];
