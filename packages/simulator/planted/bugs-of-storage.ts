import type { PlantedBug } from './planted-bug.ts';
import { reached } from './planted-bug.ts';

const hardStateFile = 'packages/storage/src/hard-state-file.ts';
const logRecovery = 'packages/storage/src/log-recovery.ts';
const segmentedLog = 'packages/storage/src/segmented-log.ts';
const segmentSupply = 'packages/storage/src/segment-supply.ts';

/** What a disk keeps and a crash takes. */
export const bugsOfStorage: readonly PlantedBug[] = [
  {
    name: 'acknowledge before fsync',
    breaks: 'what was said to be durable survives a power loss (decision 4)',
    edits: [
      {
        file: segmentedLog,
        find: 'await this.#file.writeAndSync(plan.offset, plan.chunks);',
        replace: `${reached}; await this.#file.write(plan.offset, plan.chunks);`,
      },
    ],
    foundBy: ['durable survives a crash'],
  },
  {
    name: 'forget the vote',
    breaks: 'one vote a term, across crashes (Raft paper, figure 2)',
    edits: [
      {
        file: hardStateFile,
        find: 'owner: this.#owner, state: this.#wanted };',
        replace: `owner: this.#owner, state: (${reached}, { ...this.#wanted, votedFor: null }) };`,
      },
    ],
    foundBy: ['one vote a term'],
  },
  {
    name: 'a vote without fsync',
    breaks: 'what was voted survives a power loss (decision 4)',
    edits: [
      {
        file: hardStateFile,
        find: 'await this.#file.writeAndSync(0, [bytes]);',
        replace: `${reached}; await this.#file.write(0, [bytes]);`,
      },
      {
        file: hardStateFile,
        find: 'await this.#file.writeAndSync(slotSpacing, [bytes]);',
        replace: 'await this.#file.write(slotSpacing, [bytes]);',
      },
    ],
    foundBy: ['one vote a term'],
  },
  {
    name: 'one copy of the vote',
    breaks: 'a vote whose newest copy went bad is not an older vote (decision 4)',
    edits: [
      {
        file: hardStateFile,
        find: 'await this.#file.writeAndSync(slotSpacing, [bytes]);',
        replace: `${reached};`,
      },
    ],
    foundBy: ['one vote a term'],
  },
  {
    name: 'skip the directory sync',
    breaks: 'a file that is in use has its name on disk',
    edits: [
      {
        file: 'packages/storage/src/segment-files.ts',
        find: 'await disk.syncDirectory(directory);',
        replace: `${reached};`,
      },
    ],
    foundBy: ['durable survives a crash'],
  },
  {
    name: 'cut a torn tail below the durable mark',
    breaks: 'damage below what was durable is refused, never cut',
    edits: [
      {
        file: 'packages/storage/src/log-tail.ts',
        find: 'if (durable === undefined || !isBefore(position, durable)) return;',
        replace: `if (durable === undefined || !isBefore(position, durable)) return;
    ${reached};
    if (damage !== undefined) return;`,
      },
    ],
    foundBy: ['damage is refused', 'durable survives a crash'],
  },
  {
    name: 'leave a torn tail',
    breaks: 'what a crash left half written is never met again',
    edits: [
      {
        file: logRecovery,
        find: 'await zeroAndSync(segment.file, offset, tail.nonZeroEnd);',
        replace: `if (tail.nonZeroEnd > offset) ${reached};`,
      },
    ],
    foundBy: ['a torn tail is cut'],
  },
  {
    name: 'make a segment anew that is in use',
    breaks: 'the log that is written to is replaced by nothing',
    edits: [
      {
        file: segmentSupply,
        find: 'if (segmentId <= this.#takenId) return;',
        replace: `if (segmentId <= this.#takenId) ${reached};`,
      },
      {
        file: 'packages/storage/src/segment-files.ts',
        find: 'assert(!(await disk.exists(path)),',
        replace: 'assert(true,',
      },
    ],
    foundBy: ['durable survives a crash'],
  },
  {
    name: 'read above what the disk holds for good',
    breaks: 'entries that wait for their truncation are not read from disk',
    edits: [
      {
        file: 'packages/node/src/applier.ts',
        find: 'this.#readBack(from, Math.min(to, this.#raft.memoryFirstIndex - 1));',
        replace: `${reached}; this.#readBack(from, to);`,
      },
    ],
    foundBy: ['no member dies'],
    assertions: ["to apply is not the log's"],
  },
];
