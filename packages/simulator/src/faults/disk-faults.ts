import { crc32 } from 'node:zlib';
import type { NodeId } from '@d-engine/base';
import type { VirtualDisk } from '@d-engine/virtual-env';
import { voteCopyBytes, voteCopyOffsets, voteFileName } from '../disk-layout.ts';
import { noSnapshots } from '../draw-snapshots.ts';
import { durableSnapshotsIn } from '../invariants/durable-snapshots.ts';
import type { LogFile } from '../log-files.ts';
import { logFiles } from '../log-files.ts';
import { dataDirectory } from '../virtual-cluster.ts';
import type { Faults, FaultTools } from './fault-tools.ts';
import { inflict, pickOther } from './fault-tools.ts';
import type { Harm } from './harms.ts';

type DiskFault =
  | 'slowDisk'
  | 'stalledDisk'
  | 'fullDisk'
  | 'failingDisk'
  | 'rottenLog'
  | 'rottenVote'
  | 'rottenSpace'
  | 'wipedDisk';

const voteFile = `${dataDirectory}/${voteFileName}`;
const failingOperations = ['write', 'sync', 'sync', 'read', 'syncDirectory', 'rename'] as const;
export const slownessMax = 200;
/** Before a full disk has room again, as a rule. */
const soonMs = 300;
/** Longer than any padding between records, so that it hits something. */
const rottenBytes = 16;

/** What befalls the disk of a member. */
export const diskFaults: Faults<DiskFault> = {
  slowDisk: (tools, member) => {
    const factor = tools.random.pick([5, 50, slownessMax]);
    inflict(tools, [{ type: 'slowDisk', member, factor }]);
  },

  stalledDisk: ({ random, scenario, harms, after, happened }, member) => {
    const stalled: Harm = { type: 'stalledDisk', member };
    harms.begin([stalled]);
    after(random.float() * scenario.electionTimeoutMinMs * 4, () => {
      if (harms.end([stalled])) happened();
    });
  },

  fullDisk: (tools, member, { disk }) => {
    const { random, supervisor } = tools;
    const capacityBytes = disk.usedBytes + random.pick([0, 100, 4_096, 20_000]);
    const starts = random.pick([undefined, member, pickOther(tools, member)]);
    const startsInMs = starts === undefined ? undefined : random.float() * soonMs;
    inflict(tools, [{ type: 'fullDisk', member, capacityBytes }]);
    // A start needs room, on the own disk and, to be noted, on those of the others.
    if (starts !== undefined) supervisor.crash(starts, false, startsInMs);
  },

  failingDisk: ({ random, later, happened }, _victim, { disk }) => {
    const operation = random.pick(failingOperations);
    const pathIncludes = random.pick(['', '/log/', 'hard-']);
    const takeBack = disk.failNext({ operation, kind: 'io', pathIncludes });
    later(() => {
      const isUnmet = takeBack();
      if (!isUnmet) happened();
    });
  },

  rottenLog: (tools, victim, { disk }) => {
    const { supervisor, random, later, happened } = tools;
    if (!isSpare(tools, victim)) return;
    const damage = durableBytes(tools, disk);
    if (damage === undefined || !supervisor.crash(victim, random.chance(0.5))) return;
    supervisor.damage(victim, damage);
    later(() => supervisor.mend(victim));
    happened();
  },

  /** One copy of two whole ones, which may differ: a vote counts once it is in both. */
  rottenVote: ({ supervisor, random, happened }, victim, { disk }) => {
    if (!supervisor.crash(victim, false) || !hasTwoCopies(disk)) return;
    const position = random.pick(voteCopyOffsets) + random.integer(32);
    supervisor.spoilVote(victim, { path: voteFile, position, length: 1 });
    happened();
  },

  rottenSpace: (tools, victim, { disk }) => {
    if (!tools.supervisor.crash(victim, false)) return;
    const free = freeBytes(tools, disk);
    if (free === undefined) return;
    disk.corrupt(free.path, free.position, rottenBytes);
    tools.happened();
  },

  /**
   * Somebody gives it an empty disk. Under its old id it counts in nothing any more, if it did
   * before (design rule 2), so the others must be able to go on without it for good.
   */
  wipedDisk: (tools, victim) => {
    const { cluster, supervisor } = tools;
    const { memberships } = cluster;
    if (!isSpare(tools, victim)) return;
    if (!memberships.canLose(victim, (id) => supervisor.isDamaged(id))) return;
    if (supervisor.wipe(victim)) tools.happened();
  },
};

/** The others go on without it, and without those that are away for such a fault already. */
function isSpare({ cluster, supervisor }: FaultTools, id: NodeId): boolean {
  const { memberships, ids } = cluster;
  const isAway = (other: NodeId): boolean =>
    supervisor.isDamaged(other) || memberships.isOut(other);
  const away = ids.filter(isAway).length;
  return !isAway(id) && ids.length - away - 1 >= memberships.majority;
}

/** Where no record stands yet: the next one that starts there, or the next start, removes it. */
function freeBytes({ random }: FaultTools, disk: VirtualDisk) {
  const file = filesInUse(disk).at(-1);
  if (file === undefined || file.freeBytes <= rottenBytes) return undefined;
  const position = file.usedBytes + random.integer(file.freeBytes - rottenBytes);
  return { path: file.path, position };
}

/**
 * Somewhere in a log file that is not the last one in use: its durability shows in the next one.
 * The newest records may look like a torn tail when they rot, which nobody could tell apart. And a
 * start does not read what a snapshot covers, so that it cannot refuse that.
 */
function durableBytes({ random }: FaultTools, disk: VirtualDisk) {
  if (durableSnapshotsIn(disk, noSnapshots.directory).length > 0) return undefined;
  const files = filesInUse(disk).filter(({ hasHeader }) => hasHeader);
  if (files.length < 2) return undefined;
  const { path, usedBytes } = random.pick(files.slice(0, -1));
  return { path, position: random.integer(usedBytes - rottenBytes), length: rottenBytes };
}

function filesInUse(disk: VirtualDisk): LogFile[] {
  return logFiles(disk).filter(({ usedBytes }) => usedBytes > rottenBytes);
}

function hasTwoCopies(disk: VirtualDisk): boolean {
  const content = disk.peek(voteFile);
  if (content === undefined || content.length < voteCopyOffsets[1] + voteCopyBytes) return false;
  return voteCopyOffsets.every((at) => {
    const copy = Buffer.from(content.subarray(at, at + voteCopyBytes));
    return crc32(copy.subarray(0, voteCopyBytes - 4)) === copy.readUInt32LE(voteCopyBytes - 4);
  });
}
