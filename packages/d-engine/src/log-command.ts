import { basename } from 'node:path';
import { DiskError, describeError } from '@d-engine/base';
import type { LogReport, LogReportOptions } from '@d-engine/storage';
import { reportLog, StorageDamage } from '@d-engine/storage';
import type { Command } from 'commander';
import { errorCode, RealDisk, refuseOwnedDirectory } from './env/index.ts';
import { exitCodes } from './run-process.ts';

interface LogCommand {
  readonly read: LogReportOptions['read'];
  readonly linesOf: (found: LogReport) => string[];
}

const inspect: LogCommand = { read: 'summaries', linesOf: inspection };
const verify: LogCommand = { read: 'everything', linesOf: verdict };

/**
 * `d-engine log inspect|verify DIRECTORY`, of a node that does not run. Both only read. Exit codes:
 * 0 whole, 1 damaged, 2 it could not be looked at.
 */
export function addLogCommands(program: Command): void {
  const log = program
    .command('log')
    .description('look into the log of a node that does not run; changes nothing');
  log
    .command('inspect <directory>')
    .description('show what the log in this data directory holds')
    .option('--json', 'as JSON', false)
    .action((directory: string, flags: { json: boolean }) => run(inspect, directory, flags.json));
  log
    .command('verify <directory>')
    .description('read every record of it and check every byte; exits 1 when there is damage')
    .option('--json', 'as JSON', false)
    .action((directory: string, flags: { json: boolean }) => run(verify, directory, flags.json));
}

async function run(command: LogCommand, directory: string, asJson: boolean): Promise<void> {
  try {
    const found = await reportUnowned(directory, command.read);
    if (found === undefined) {
      const message = `${directory} holds no log: it is no data directory, or was never in use`;
      return fail(new DiskError('notFound', directory, message), asJson);
    }
    write(process.stdout, asJson ? jsonOf(found) : command.linesOf(found).join('\n'));
  } catch (error) {
    fail(error, asJson);
  }
}

/** A node that starts in the middle makes what was found, good or bad, worth nothing. */
async function reportUnowned(
  directory: string,
  read: LogReportOptions['read'],
): Promise<LogReport | undefined> {
  const disk = new RealDisk();
  await refuseOwnedDirectory(directory);
  try {
    return await reportLog({ disk, directory, read });
  } finally {
    await refuseOwnedDirectory(directory);
    await disk.close();
  }
}

function fail(error: unknown, asJson: boolean): void {
  const damage = damageOf(error);
  const message = describeError(error);
  if (asJson) write(process.stdout, JSON.stringify({ error: { damage, message } }));
  else write(process.stderr, `d-engine: ${message}`);
  process.exitCode = damage === null ? exitCodes.cannotStart : exitCodes.fatal;
}

/** Null: it could not be looked at, or is of a newer release. That is no damage. */
function damageOf(error: unknown): object | null {
  if (error instanceof StorageDamage) {
    const { file, offset, advice } = error;
    return { file, offset, advice };
  }
  // The disk does not give back what was written.
  if (error instanceof DiskError && errorCode(error.cause) === 'EIO') return { file: error.path };
  return null;
}

function jsonOf(found: LogReport): string {
  const { identity, ...rest } = found;
  const peers = Object.fromEntries(identity.peers);
  return JSON.stringify({ identity: { ...identity, peers }, ...rest });
}

function write(stream: NodeJS.WriteStream, text: string): void {
  stream.write(`${text}\n`);
}

function inspection(found: LogReport): string[] {
  const { identity, directory, commitIndex, termStarts, files, preparedFiles } = found;
  const width = Math.max(...files.map(({ usedBytes }) => String(usedBytes).length), 0);
  return [
    `node ${identity.nodeId}, instance ${identity.instanceId}, start ${identity.bootCount}`,
    `log ${directory}`,
    `entries ${entriesOf(found)}; committed up to ${commitIndex} at least`,
    ...termStarts.map(({ index, term }) => `term ${term} from entry ${index}`),
    ...files.map(({ file, usedBytes, from, to }) => {
      const holds = from > to ? 'no entry that stands' : `entries ${from} to ${to}`;
      return `${basename(file)}  ${String(usedBytes).padStart(width)} bytes  ${holds}`;
    }),
    ...preparedFiles.map((file) => `${basename(file)}  prepared, not in use`),
    ...unfinishedOf(found),
  ];
}

function verdict(found: LogReport): string[] {
  const bytes = found.files.reduce((sum, { usedBytes }) => sum + usedBytes, 0);
  const where = `${found.files.length} files, ${bytes} bytes`;
  return [`whole: entries ${entriesOf(found)} (${where})`, ...unfinishedOf(found)];
}

function entriesOf({ follows, lastIndex }: LogReport): string {
  const range = lastIndex > follows.index ? `${follows.index + 1} to ${lastIndex}` : 'none';
  if (follows.index === 0) return range;
  return `${range}, behind entry ${follows.index} of term ${follows.term}, which a snapshot holds`;
}

function unfinishedOf({ unfinished }: LogReport): string[] {
  const { file, offset, bytes } = unfinished;
  if (bytes === 0) return [];
  return [
    `${basename(file)}  ${bytes} bytes from byte ${offset} on are the end of a write that was ` +
      'cut short: nothing in it was acknowledged, and the next start cuts it',
  ];
}
