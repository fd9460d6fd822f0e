import { createInterface } from 'node:readline/promises';
import type { NodeId } from '@d-engine/base';
import { describeError } from '@d-engine/base';
import type { LogReport } from '@d-engine/storage';
import { acceptDataLoss, reportLog } from '@d-engine/storage';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { RealDisk, refuseOwnedDirectory } from './env/index.ts';
import { exitCodes } from './run-process.ts';

interface RecoverFlags {
  readonly acceptDataLoss?: true;
  readonly without?: readonly NodeId[];
  readonly cluster?: string;
}

/** So much of the cluster's id is typed in: nobody does it by accident, or for another cluster. */
const typedLength = 8;

/**
 * `d-engine recover DIRECTORY`: what an operator decides about a node that does not run, because no
 * member may. Exit codes: 0 done, 2 nothing was changed.
 */
export function addRecoverCommand(program: Command): void {
  program
    .command('recover <directory>')
    .description('decide what no member may: the node of this data directory does not run')
    .option('--accept-data-loss', 'go on without voters that are gone for good, and their writes')
    .option('--without <ids>', 'the voters that are gone, such as 3 or 3,4', nodeIds)
    .option('--cluster <id>', 'the id of the cluster, instead of the question')
    .action((directory: string, flags: RecoverFlags) => recover(directory, flags));
}

async function recover(directory: string, flags: RecoverFlags): Promise<void> {
  const { acceptDataLoss: accepts, without } = flags;
  const disk = new RealDisk();
  try {
    if (accepts === undefined || without === undefined) {
      throw new Error('recover needs --accept-data-loss and --without, the voters that are gone');
    }
    await refuseOwnedDirectory(directory);
    const report = await reportLog({ disk, directory, read: 'summaries' });
    if (report === undefined) throw new Error(`${directory} holds no log: nothing to recover`);
    if (without.includes(report.identity.nodeId)) {
      throw new Error(`${directory} is of node ${report.identity.nodeId}, which is not gone`);
    }
    print(whatItHolds(report));
    await confirm(report, flags.cluster);
    await acceptDataLoss(disk, directory, without);
    print(whatFollows(without));
  } catch (error) {
    process.stderr.write(`d-engine: ${describeError(error)}\n`);
    process.exitCode = exitCodes.cannotStart;
  } finally {
    await disk.close();
  }
}

/** Rejects unless the operator names this very cluster. */
async function confirm({ identity }: LogReport, told: string | undefined): Promise<void> {
  const { clusterId } = identity;
  if (clusterId === null)
    throw new Error('this node has not been part of a cluster: nothing to do');
  if (told !== undefined) {
    if (told !== clusterId) throw new Error(`this node is of cluster ${clusterId}, not ${told}`);
    return;
  }
  if (!process.stdin.isTTY) throw new Error('nobody to ask: give the id of the cluster, --cluster');
  const { stdin: input, stdout: output } = process;
  const lines = createInterface({ input, output });
  const typed = await lines.question(
    'What the missing voters alone held is lost for good. To go on, type the first ' +
      `${typedLength} characters of the cluster id: `,
  );
  lines.close();
  if (typed.trim() !== clusterId.slice(0, typedLength)) throw new Error('nothing was changed');
}

function whatItHolds({ identity, lastIndex, commitIndex, termStarts, follows }: LogReport): string {
  const lastTerm = termStarts.at(-1)?.term ?? follows.term;
  const recovers = identity.logMayLack ? 'may have forgotten what it acknowledged' : 'is whole';
  return [
    `node ${identity.nodeId} of cluster ${identity.clusterId ?? 'none'}: its log ${recovers}`,
    `last entry ${lastIndex} of term ${lastTerm}, at least ${commitIndex} committed`,
    'compare with the other voters that are left: the one with the highest term, then index, leads',
  ].join('\n');
}

function whatFollows(without: readonly NodeId[]): string {
  return [
    `noted for the next start of this node: voters ${without.join(', ')} are not waited for`,
    'do the same on each voter that is left, then start them: one of them logs POSSIBLE DATA LOSS',
    'never start a node again on the old directory of a voter that was given up: wipe it first',
  ].join('\n');
}

function nodeIds(text: string): readonly NodeId[] {
  const ids = text.split(',').map(Number);
  if (ids.every((id) => Number.isSafeInteger(id) && id > 0)) return ids;
  throw new InvalidArgumentError('node ids, separated by commas.');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
