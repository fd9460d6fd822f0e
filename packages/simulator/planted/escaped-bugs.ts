import type { PlantedBug } from './planted-bug.ts';
import { reached } from './planted-bug.ts';

/** A bug that the default swarm ought to find and has not. */
export interface EscapedBug extends PlantedBug {
  /** The coincidence that chance does not bring about. */
  readonly missing: string;
}

export const escapedBugs: readonly EscapedBug[] = [
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
        find: 'else if (core.isVoter) core.resetElectionDeadline(at);',
        replace: 'else if (core.isVoter) core.electionDeadlineMs = at.monotonicMs;',
      },
    ],
    foundBy: ['lease needs a quorum of send times', 'linearizability'],
    missing:
      'The member that restarts must be the only one that the leader still reaches, and must lose ' +
      'it again before it hears of it; whoever asks for its vote must be cut off from the leader ' +
      'for an election timeout and yet have a log that is not behind, so nothing may be written ' +
      'meanwhile. All of it has to fit into what is left of one lease. 500 runs did not bring it ' +
      'about; `packages/raft/test/golden/elections/stickiness-after-restart.txt` plays it.',
  },
];
