import type { PlantedBug } from './planted-bug.ts';
import { reached } from './planted-bug.ts';

const snapshotTask = 'packages/node/src/snapshots/snapshot-task.ts';
const core = 'packages/raft/src/core.ts';
const install = 'packages/raft/src/install.ts';

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
    name: 'keep a suffix of another term behind an install',
    breaks: 'only entries that follow the snapshot are kept (Raft paper, section 7)',
    edits: [
      {
        file: install,
        find: 'const keepsLog = core.log.termAt(index) === term;',
        replace: `const found = core.log.termAt(index);
  if (found !== undefined && found !== term) ${reached};
  const keepsLog = found !== undefined;`,
      },
    ],
    foundBy: ['committed is never undone'],
  },
];
