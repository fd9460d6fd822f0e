import type { PlantedBug } from './planted-bug.ts';
import { reached } from './planted-bug.ts';

const bindings = 'packages/raft/src/bindings.ts';
const core = 'packages/raft/src/core.ts';
const election = 'packages/raft/src/election.ts';

/** Who may lead: terms, votes and promises to leaders. */
export const bugsOfElections: readonly PlantedBug[] = [
  {
    name: 'keep the term in memory',
    breaks: 'a term that was told is not forgotten (Raft paper, figure 2)',
    edits: [
      {
        file: core,
        find: 'const hardState = this.#hardStateUnwritten ? this.#hardState : undefined;',
        replace: `if (this.#hardStateUnwritten && this.#hardState.votedFor === null) ${reached};
    const hardState =
      this.#hardStateUnwritten && this.#hardState.votedFor !== null ? this.#hardState : undefined;`,
      },
    ],
    foundBy: ['one vote a term', 'monotonic indexes'],
  },
  {
    name: 'answer a vote before it is durable',
    breaks: 'nothing that rests on a vote leaves before the vote is on disk (rule 1)',
    edits: [
      {
        file: election,
        find: `core.sendWhenDurable(sender.nodeId, { type: 'voteResponse', term, preVote: false, granted });`,
        replace: `if (granted && !core.isHardStateDurable) ${reached};
  core.outbox.send(sender.nodeId, { type: 'voteResponse', term, preVote: false, granted });`,
      },
    ],
    foundBy: ['one vote a term'],
  },
  {
    name: 'vote for everybody',
    breaks: 'one vote a term (Raft paper, figure 2)',
    edits: [
      {
        file: election,
        find: 'return voted.nodeId === sender.nodeId && voted.instanceId === sender.instanceId;',
        replace: `${reached}; return mayFollow(core, message.lastLogIndex, message.lastLogTerm);`,
      },
    ],
    foundBy: ['one vote a term'],
  },
  {
    name: 'vote without a look at the log',
    breaks: 'a leader has everything that is committed (Raft paper, section 5.4.1)',
    edits: [
      {
        file: election,
        find: 'return core.log.isUpToDate(lastLogIndex, lastLogTerm);',
        replace: `if (!core.log.isUpToDate(lastLogIndex, lastLogTerm)) ${reached};
  return true;`,
      },
    ],
    foundBy: ['leader completeness'],
  },
  {
    name: 'compare logs by length',
    breaks: 'the log of the later term is the newer one (Raft paper, section 5.4.1)',
    edits: [
      {
        file: 'packages/raft/src/log.ts',
        find: 'if (lastLogTerm !== ownTerm) return lastLogTerm > ownTerm;',
        replace: `if (lastLogTerm !== ownTerm) ${reached};`,
      },
    ],
    foundBy: ['leader completeness'],
  },
  {
    name: 'half of the voters are a quorum',
    breaks: 'any two quorums share a member',
    edits: [
      {
        file: 'packages/raft/src/quorum.ts',
        find: 'return Math.floor(count / 2) + 1;',
        replace: `if (count % 2 === 0) ${reached};
  return Math.ceil(count / 2);`,
      },
    ],
    foundBy: ['commit needs a durable quorum', 'one vote a term'],
  },
  {
    name: 'the voters are those that are bound',
    breaks: 'members that know of one another later still share a quorum with all (rule 2)',
    edits: [
      {
        file: core,
        find: 'this.configuration = bindings.configuration ?? configurationOf(config.initialMembers);',
        replace: `const { members } = bindings.configuration ?? configurationOf(config.initialMembers);
    const isLate = (id) => bindings.bootstrap !== undefined && bindings.find(id) === undefined;
    if (members.some(({ id, role }) => role === 'voter' && isLate(id))) ${reached};
    this.configuration = configurationOf(
      members.map((member) => (isLate(member.id) ? { ...member, role: 'learner' } : member)),
    );`,
      },
    ],
    foundBy: ['configuration overlap'],
  },
  {
    name: 'vote though a leader is heard',
    breaks: 'whoever heard a leader lately votes for nobody else (rule 4)',
    edits: [
      {
        file: election,
        find: 'if (!message.leadershipTransfer && at.monotonicMs < core.stickyUntilMs) return false;',
        replace: '',
      },
      {
        file: election,
        find: 'at.monotonicMs >= core.stickyUntilMs &&\n    mayFollow',
        replace: 'mayFollow',
      },
      {
        file: 'packages/raft/src/dispatch.ts',
        find: 'if (at.monotonicMs < core.stickyUntilMs) return false;',
        replace: `if (at.monotonicMs < core.stickyUntilMs) ${reached};`,
      },
    ],
    foundBy: ['lease needs a quorum of send times'],
  },
  {
    name: 'a new leader drops what it does not know to be committed',
    breaks: 'a leader has everything that is committed (Raft paper, section 5.4)',
    edits: [
      {
        file: 'packages/raft/src/leadership.ts',
        find: 'const { log, bindings } = core;',
        replace: `const { log, bindings } = core;
  if (log.lastIndex > core.commitIndex) {
    ${reached};
    core.truncateFrom(core.commitIndex + 1);
  }`,
      },
    ],
    foundBy: ['leader completeness'],
  },
  {
    name: 'lead on without a quorum',
    breaks: 'a leader that no quorum answers steps down (dissertation, 6.2)',
    edits: [
      {
        file: 'packages/raft/src/raft.ts',
        find: 'if (!hasQuorumContact(core, leader, at)) {',
        replace: `if (!hasQuorumContact(core, leader, at)) ${reached};
    if (at === undefined) {`,
      },
    ],
    foundBy: ['a leader hears a quorum'],
  },
  {
    name: 'skip stickiness after a restart',
    breaks: 'a promise to a leader outlives the process that made it (rule 4)',
    edits: [
      {
        file: 'packages/raft/src/core.ts',
        find: '? at.monotonicMs + Math.max(this.#hardState.stickinessMs, config.electionTimeoutMinMs)',
        replace: `? (${reached}, Number.NEGATIVE_INFINITY)`,
      },
      // It campaigns at once, then: the log of whoever heard the leader last is the newest.
      {
        file: 'packages/raft/src/raft.ts',
        find: 'else if (core.isCandidate) core.resetElectionDeadline(at);',
        replace: 'else if (core.isCandidate) core.electionDeadlineMs = at.monotonicMs;',
      },
    ],
    foundBy: ['lease needs a quorum of send times'],
  },
  {
    name: 'an unbound voter counts',
    breaks: 'a voter without a committed binding counts in nothing (rule 2)',
    edits: [
      {
        file: bindings,
        find: 'return this.holdingInstance(nodeId, commitIndex) === instanceId;',
        replace: `const holding = this.holdingInstance(nodeId, commitIndex);
    if (holding === undefined) ${reached};
    return holding === undefined || holding === instanceId;`,
      },
    ],
    foundBy: ['commit needs a durable quorum', 'one vote a term'],
  },
  {
    name: 'a wiped voter is taken for the old one',
    breaks: 'a member is its node id and its data directory (rule 2)',
    edits: [
      {
        file: bindings,
        find: 'return this.holdingInstance(nodeId, commitIndex) === instanceId;',
        replace: `const holding = this.holdingInstance(nodeId, commitIndex);
    if (holding !== undefined && holding !== instanceId) ${reached};
    return holding !== undefined;`,
      },
      {
        file: 'packages/raft/src/peer-register.ts',
        find: 'if (bound !== undefined && bound !== sender.instanceId) {',
        replace: 'if (bound === null) {',
      },
    ],
    foundBy: ['commit needs a durable quorum', 'one vote a term'],
  },
  {
    name: 'a late voter is never bound',
    breaks: 'every voter comes to count in quorums (rule 2)',
    edits: [
      {
        file: 'packages/raft/src/leadership.ts',
        find: 'appendProposals(core, leader, [{ kind, payload: encodeBinding(binding) }], at);',
        replace: `if (kind === entryKinds.binding) ${reached};
  else appendProposals(core, leader, [{ kind, payload: encodeBinding(binding) }], at);`,
      },
    ],
    foundBy: ['liveness'],
  },
  {
    // Slow and not stuck: only a tight bound tells it from a cluster that is well.
    name: 'a candidate that backs off and never forgets it',
    breaks: 'after the faults a cluster elects within a few election timeouts',
    edits: [
      {
        file: 'packages/raft/src/election.ts',
        find: `core.role = 'preCandidate';
  core.resetElectionDeadline(at);`,
        replace: `core.role = 'preCandidate';
  core.resetElectionDeadline(at);
  ${reached};
  core.patience = Math.min((core.patience ?? 1) * 2, 16);
  core.electionDeadlineMs += (core.electionDeadlineMs - at.monotonicMs) * (core.patience - 1);`,
      },
    ],
    foundBy: ['liveness'],
  },
];
