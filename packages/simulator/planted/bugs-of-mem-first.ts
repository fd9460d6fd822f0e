import type { PlantedBug } from './planted-bug.ts';
import { reached } from './planted-bug.ts';

const core = 'packages/raft/src/core.ts';
const election = 'packages/raft/src/election.ts';
const recovery = 'packages/raft/src/recovery.ts';

/** Members that acknowledge from memory, forget it, and come back (design rule 3). */
export const bugsOfMemFirst: readonly PlantedBug[] = [
  {
    name: 'a returning member is cleared by an old no-op',
    breaks: 'it counts once it holds all that its leader had when it came back (rule 3)',
    edits: [
      {
        file: recovery,
        find: 'recoverTo: core.log.lastIndex };',
        replace: `recoverTo: (${reached}, leader.noopIndex) };`,
      },
    ],
    foundBy: ['a recovered member holds all again'],
  },
  {
    name: 'a recovering member campaigns',
    breaks: 'whoever may have forgotten leads nobody, unless every voter wants it (rule 3)',
    edits: [
      {
        file: election,
        find: 'if (core.recovering && !needsEveryVoter(core)) return false;',
        replace: `if (core.recovering && !needsEveryVoter(core)) ${reached};`,
      },
    ],
    foundBy: ['one vote a term', 'leader completeness'],
  },
  {
    name: 'a recovering voter votes',
    breaks: 'whoever may have forgotten helps to elect nobody who has forgotten too (rule 3)',
    edits: [
      {
        file: election,
        find: '(!core.recovering || message.everyVoter) &&',
        replace: '',
      },
      {
        file: election,
        find: 'if (core.recovering && !message.everyVoter) return false;',
        replace: `if (core.recovering && !message.everyVoter) ${reached};`,
      },
    ],
    foundBy: ['one vote a term', 'leader completeness'],
  },
  {
    name: 'a quorum elects where every voter is needed',
    breaks: 'one voter that is not asked may hold the only copy that is left (rule 3)',
    edits: [
      {
        file: election,
        find: 'const result = core.needsEveryVote\n    ? everyVoteResult(core)',
        replace: `const result = core.needsEveryVote
    ? (${reached}, voteResult(voters, outgoingVoters, (id) => core.votes.get(id)?.granted))`,
      },
    ],
    foundBy: ['one vote a term'],
  },
  {
    name: 'a new hello keeps the progress of the last run',
    breaks: 'what an earlier run acknowledged says nothing of what this one holds (rule 3)',
    edits: [
      {
        file: 'packages/raft/src/peer-register.ts',
        find: `} else if (restarted && hello.recovering) {
      peer.startOver(hello.instanceId, core.log.lastIndex + 1);`,
        replace: `} else if (restarted && hello.recovering) {
      ${reached};`,
      },
    ],
    foundBy: ['liveness'],
  },
  {
    name: 'a recovering voter counts in commits',
    breaks: 'what it acknowledges it may not have had when its leader began (rule 3)',
    edits: [
      {
        file: recovery,
        find: 'return leader.beganHistory ? leader.noopIndex : Number.POSITIVE_INFINITY;',
        replace: `return leader.beganHistory ? leader.noopIndex : (${reached}, 0);`,
      },
    ],
    foundBy: ['commit needs a durable quorum'],
  },
  {
    name: 'a binding counts before it is synced',
    breaks: 'no crash takes what says who belongs to the cluster (rule 3)',
    edits: [
      {
        file: core,
        find: 'const unsynced = this.bindings.firstAbove(durableIndex) ?? log.lastIndex + 1;',
        replace: `if (this.bindings.lastIndex > durableIndex) ${reached};
    const unsynced = log.lastIndex + 1;`,
      },
    ],
    foundBy: ['commit needs a durable quorum'],
  },
  {
    name: 'a start forgets that the log may lack entries',
    breaks: 'a run without a clean end makes the next one recover (rule 3)',
    edits: [
      {
        file: 'packages/storage/src/open-storage.ts',
        find: 'const recovering = file.foundLogMayLack && (everFormed || log.lastIndex > 0);',
        replace: `if (file.foundLogMayLack) ${reached};
  const recovering = false;`,
      },
    ],
    foundBy: ['a recovered member holds all again'],
  },
];
