import type { PlantedBug } from './planted-bug.ts';
import { reached } from './planted-bug.ts';

const snapshotTask = 'packages/node/src/snapshots/snapshot-task.ts';
const core = 'packages/raft/src/core.ts';

export const bugsOfSnapshots: readonly PlantedBug[] = [
  {
    name: 'purge before the snapshot is durable',
    breaks: 'the log is cut only behind what survives a power loss (rule 11)',
    edits: [
      {
        file: snapshotTask,
        find: 'info = await this.#storage.snapshots.write(header, sectionsOf(membership, view));',
        replace: `const cut = Math.min(index - 1, this.#raft.durableIndex);
      if (cut >= this.#raft.firstLogIndex) {
        ${reached};
        const cutTerm = must(this.#raft.termAt(cut), 'a term');
        this.#raft.compacted(cut);
        await this.#storage.purgeLog(cut, cutTerm);
      }
      info = await this.#storage.snapshots.write(header, sectionsOf(membership, view));`,
      },
    ],
    foundBy: ['the log is cut behind a snapshot', 'damage is refused'],
  },
  {
    name: 'acknowledge an install before the log is reset',
    breaks: 'an installed snapshot counts when snapshot and log are durable (rules 1, 11)',
    edits: [
      {
        file: core,
        find: 'this.durableIndex = Math.min(this.durableIndex, this.commitIndex);',
        replace: `${reached};
    this.durableIndex = index;`,
      },
    ],
    foundBy: ['durable survives a crash'],
  },
  {
    name: 'the members of the time of writing',
    breaks: 'a snapshot says who belonged to the cluster as of its last entry (rule 13)',
    edits: [
      {
        file: 'packages/raft/src/bindings.ts',
        find: 'bindings: this.#members.filter((member) => member.index <= index),',
        replace: `bindings: this.#members.filter((member) => {
        if (member.index > index) ${reached};
        return true;
      }),`,
      },
    ],
    foundBy: ['no member dies'],
    assertions: ['is bound twice', 'membership entries come in order'],
  },
  {
    name: 'install below the commit index',
    breaks: 'a snapshot at or below the commit index is never installed (rule 11)',
    edits: [
      {
        file: 'packages/raft/src/install.ts',
        find: "if (index <= core.commitIndex || core.leader !== undefined) return 'stale';",
        replace: `if (index <= core.commitIndex) ${reached};
  if (core.leader !== undefined) return 'stale';`,
      },
      {
        file: 'packages/node/src/snapshots/snapshot-receiver.ts',
        find: 'if (offer.index <= commitIndex) return complete(incoming, commitIndex);',
        replace: '',
      },
    ],
    foundBy: ['no member dies'],
    assertions: ['nothing that is committed is replaced', 'the state is that of the snapshot'],
  },
  {
    name: 'keep the log whatever it has where the snapshot ends',
    breaks: 'only the same (index, term) keeps the suffix (rule 11)',
    edits: [
      {
        file: 'packages/raft/src/install.ts',
        find: 'const keepsLog = core.log.termAt(index) === term;',
        replace: `const keepsLog = core.log.lastIndex >= index;
  if (keepsLog && core.log.termAt(index) !== term) ${reached};`,
      },
    ],
    foundBy: ['committed is never undone', 'state machine safety', 'no member dies'],
    assertions: ['committed entry'],
  },
];
