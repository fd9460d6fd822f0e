import { randomBytes } from 'node:crypto';
import { link, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { DirectoryLock } from '@d-engine/base';
import { DiskError } from '@d-engine/base';
import { ClaimSocket } from './directory-lock-claim.ts';
import { type Answer, askOwner, isAlive } from './directory-lock-question.ts';
import { errorCode, toDiskError } from './disk-errors.ts';

/** The owner's socket. */
const lockName = 'lock';
/** Sockets of contenders that are not owners yet. */
const newPrefix = 'lock.n';
/** Sockets that were found dead and set aside to look again. */
const oldPrefix = 'lock.o';
/** `sun_path` holds 104 bytes on macOS, one of them the final zero. */
const pathBytesMax = 103;
/** Contenders that met each other half way step back and come again so many times. */
const attemptsMax = 50;
const backOffMs = 20;

/**
 * Makes this process the one owner of a directory, for as long as it lives: the owner listens on
 * a Unix socket in it, and the system closes that however the process dies. Only on one machine:
 * two machines with one network directory do not see each other.
 *
 * Invariants that keep it to one owner:
 * - `lock` is linked to a socket that listens already, so whoever refuses there is dead for good.
 * - A dead socket is set aside under a new name and asked again before it is removed: between
 *   question and rename, a living one may have come in its place. Then it is put back.
 * - Meanwhile the name is free. So whoever takes it looks at all that was set aside, and steps
 *   back when one of those lives.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const isLinux = process.platform === 'linux';
  const handle = isLinux ? await open(directory, 'r').catch(mapTo(directory)) : undefined;
  // Longer paths are cut without a word by Node 20 and 22.
  const base = handle === undefined ? directory : `/proc/self/fd/${handle.fd}`;
  try {
    refuseLongPath(base, directory);
    const claim = await own(base, directory);
    return new OwnedDirectory(base, claim, async () => handle?.close());
  } catch (error) {
    await handle?.close();
    throw toDiskError(error, directory);
  }
}

/**
 * Rejects as {@link lockDirectory} does when somebody has the directory, and takes nothing: for
 * whoever only reads, also where nothing can be written.
 */
export async function refuseOwnedDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r').catch(mapTo(directory));
  try {
    const isLinux = process.platform === 'linux';
    const base = isLinux ? `/proc/self/fd/${handle.fd}` : directory;
    refuseLongPath(base, directory);
    const answer = await askOwner(join(base, lockName));
    if (answer.type === 'owned') throw inUse(directory, answer.pid);
    if (answer.type === 'undecided') throw inUse(directory, undefined);
  } catch (error) {
    throw toDiskError(error, directory);
  } finally {
    await handle.close();
  }
}

class OwnedDirectory implements DirectoryLock {
  readonly #base: string;
  readonly #claim: ClaimSocket;
  readonly #done: () => Promise<void>;
  #releasing: Promise<void> | undefined;

  constructor(base: string, claim: ClaimSocket, done: () => Promise<void>) {
    this.#base = base;
    this.#claim = claim;
    this.#done = done;
  }

  release(): Promise<void> {
    this.#releasing ??= this.#release();
    return this.#releasing;
  }

  /** Never fails: a socket that stays behind is dead, and the next owner removes it. */
  async #release(): Promise<void> {
    await unlinkIfSame(this.#base, this.#claim.inode);
    await this.#claim.close();
    await this.#done();
  }
}

async function own(base: string, directory: string): Promise<ClaimSocket> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    if (attempt > 0) await pause(Math.random() * backOffMs);
    const holder = await clearWay(base);
    if (holder.type === 'owned') throw inUse(directory, holder.pid);
    if (holder.type === 'undecided') continue;
    const claim = await ClaimSocket.listen(join(base, newPrefix + randomName()));
    if (claim === undefined) continue;
    try {
      if (await take(base, claim)) {
        claim.confirm();
        return claim;
      }
    } catch (error) {
      await claim.close();
      throw error;
    }
    await claim.close();
  }
  throw inUse(directory, undefined);
}

/** Whether the way is free ('dead'); a dead owner's socket is out of it then. */
async function clearWay(base: string): Promise<Answer> {
  const path = join(base, lockName);
  const answer = await askOwner(path);
  if (answer.type !== 'dead' || !answer.exists) return answer;
  const aside = join(base, oldPrefix + randomName());
  try {
    await rename(path, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { type: 'undecided' };
    throw error;
  }
  return (await settleAside(base, aside)) ? { type: 'undecided' } : answer;
}

/** Removes what was set aside if it is dead, puts it back if it lives; says whether it does. */
async function settleAside(base: string, aside: string): Promise<boolean> {
  if (await isAlive(aside)) {
    // Where another one took the name meanwhile, this one stays aside: it is seen there as well.
    await link(aside, join(base, lockName)).then(() => unlink(aside), ignore);
    return true;
  }
  await unlink(aside).catch(ignore);
  return false;
}

/** Whether the name is ours now. */
async function take(base: string, claim: ClaimSocket): Promise<boolean> {
  try {
    await link(claim.path, join(base, lockName));
  } catch (error) {
    // Another one was faster; or somebody emptied the directory.
    if (['EEXIST', 'ENOENT'].includes(errorCode(error))) return false;
    throw error;
  } finally {
    await unlink(claim.path).catch(ignore);
  }
  for (const name of await readdir(base)) {
    const path = join(base, name);
    const wasOwner = name.startsWith(oldPrefix);
    if (!wasOwner && !name.startsWith(newPrefix)) continue;
    if ((await inodeOf(path)) === claim.inode) continue;
    // Nobody waits for another contender's answer here: two could wait for each other.
    if (!(await isAlive(path))) await unlink(path).catch(ignore);
    else if (wasOwner) {
      await unlinkIfSame(base, claim.inode);
      await settleAside(base, path);
      return false;
    }
  }
  // Else it was set aside by one who puts it back, or an owner on its way out removed it.
  return (await inodeOf(join(base, lockName))) === claim.inode;
}

async function unlinkIfSame(base: string, inode: bigint): Promise<void> {
  const path = join(base, lockName);
  if ((await inodeOf(path)) === inode) await unlink(path).catch(ignore);
}

async function inodeOf(path: string): Promise<bigint | undefined> {
  const stats = await stat(path, { bigint: true }).catch(ignore);
  return stats?.ino;
}

function refuseLongPath(base: string, directory: string): void {
  const length = Buffer.byteLength(join(base, newPrefix + randomName()));
  if (length <= pathBytesMax) return;
  const message =
    `the path of ${directory} is too long for the socket that locks it: ${length} bytes with ` +
    `its name, at most ${pathBytesMax} on ${process.platform}. Use a shorter db_root_dir.`;
  throw new DiskError('io', directory, message);
}

function inUse(directory: string, pid: number | undefined): DiskError {
  const owner = pid === undefined ? 'another process' : `process ${pid}`;
  const self = pid === process.pid ? ' (this one: it opened the directory before)' : '';
  const message =
    `${directory} is in use by ${owner}${self}. Every node needs a directory of its own, and a ` +
    "directory serves one process at a time. Under PM2 use fork mode with one instance, PM2's " +
    'cluster mode starts several; a file watcher (node --watch, nodemon, tsx watch) must wait ' +
    'for the old process to end before it starts the next.';
  return new DiskError('inUse', directory, message);
}

function randomName(): string {
  return randomBytes(6).toString('hex');
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

function mapTo(path: string): (error: unknown) => never {
  return (error) => {
    throw toDiskError(error, path);
  };
}

const ignore = (): undefined => undefined;
