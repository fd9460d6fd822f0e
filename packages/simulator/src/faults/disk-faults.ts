import { crc32 } from 'node:zlib';
import type { NodeId } from '@d-engine/base';
import type { VirtualDisk } from '@d-engine/virtual-env';
import { voteCopyBytes, voteCopyOffsets, voteFileName } from '../disk-layout.ts';
import type { LogFile } from '../log-files.ts';
import { logFiles } from '../log-files.ts';
import { dataDirectory } from '../virtual-cluster.ts';
import type { Faults, FaultTools } from './fault-tools.ts';
import { pickOther } from './fault-tools.ts';
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
  slowDisk: ({ random, harms, later }, member) => {
    const factor = random.pick([5, 50, slownessMax]);
    const slow: Harm = { type: 'slowDisk', member, factor };
    harms.begin([slow]);
    later(() => harms.end([slow]));
    return true;
  },

  stalledDisk: ({ random, scenario, harms, after }, member) => {
    const stalled: Harm = { type: 'stalledDisk', member };
    harms.begin([stalled]);
    after(random.float() * scenario.electionTimeoutMinMs * 4, () => harms.end([stalled]));
    return true;
  },

  fullDisk: (tools, member, { disk }) => {
    const { random, harms, supervisor, later } = tools;
    const capacityBytes = disk.usedBytes + random.pick([0, 100, 4_096, 20_000]);
    const full: Harm = { type: 'fullDisk', member, capacityBytes };
    harms.begin([full]);
    // A start needs room, on the own disk and, to be noted, on those of the others.
    const starts = random.pick([undefined, member, pickOther(tools, member)]);
    if (starts !== undefined) supervisor.crash(starts, false, random.float() * soonMs);
    later(() => harms.end([full]));
    return true;
  },

  failingDisk: ({ random, later }, _victim, { disk }) => {
    const operation = random.pick(failingOperations);
    const pathIncludes = random.pick(['', '/log/', 'hard-']);
    later(disk.failNext({ operation, kind: 'io', pathIncludes }));
    return true;
  },

  rottenLog: (tools, victim, { disk }) => {
    const { supervisor, random, later } = tools;
    if (!isSpare(tools, victim)) return false;
    const damage = durableBytes(tools, disk);
    if (damage === undefined || !supervisor.crash(victim, random.chance(0.5))) return false;
    supervisor.damage(victim, damage);
    later(() => supervisor.mend(victim));
    return true;
  },

  /** One copy of two whole ones, which may differ: a vote counts once it is in both. */
  rottenVote: ({ supervisor, counters, random }, victim, { disk }) => {
    if (!supervisor.crash(victim, false) || !hasTwoCopies(disk)) return false;
    disk.corrupt(voteFile, random.pick(voteCopyOffsets) + random.integer(32), 1);
    counters.add('damaged votes survived');
    return true;
  },

  rottenSpace: (tools, victim, { disk }) => {
    if (!tools.supervisor.crash(victim, false)) return false;
    const free = freeBytes(tools, disk);
    if (free !== undefined) disk.corrupt(free.path, free.position, rottenBytes);
    return free !== undefined;
  },

  /**
   * Somebody gives it an empty disk. Under its old id it counts in nothing any more, if it did
   * before (design rule 2), so the others must be able to go on without it for good.
   */
  wipedDisk: (tools, victim) => {
    const { cluster, supervisor } = tools;
    const { memberships } = cluster;
    if (!isSpare(tools, victim)) return false;
    if (!memberships.canLose(victim, (id) => supervisor.isDamaged(id))) return false;
    return supervisor.wipe(victim);
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
 * The newest records may look like a torn tail when they rot, which nobody could tell apart.
 */
function durableBytes({ random }: FaultTools, disk: VirtualDisk) {
  const files = filesInUse(disk);
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
