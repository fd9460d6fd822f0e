import type { Entry, InstanceId, Logger, LogIndex, Proposal, Term } from '@d-engine/base';
import { encodeEntries, entryKinds, silentLogger } from '@d-engine/base';
import type { LogBatch } from '../src/contracts.ts';
import type { SegmentedLogOptions } from '../src/segmented-log.ts';
import { SegmentedLog } from '../src/segmented-log.ts';
import type { CrashDisk } from './crash-disk.ts';

export const owner: InstanceId = '0123456789abcdef0123456789abcdef';
export const otherOwner: InstanceId = 'fedcba9876543210fedcba9876543210';
export const logDirectory = '/data/log';
export const firstSegment: string = segmentFile(1);

export function segmentFile(segmentId: number): string {
  return `${logDirectory}/${String(segmentId).padStart(20, '0')}.segment`;
}

/** Entries in one buffer, as a leader makes them. */
export function makeEntries(first: LogIndex, term: Term, sizes: readonly number[]): Entry[] {
  const proposals: Proposal[] = sizes.map((size, position) => ({
    kind: entryKinds.command,
    payload: Buffer.alloc(size, `${first + position}@${term} `),
  }));
  return encodeEntries(proposals, first, term, 1000 * term + first);
}

export function batchOf(
  entries: readonly Entry[],
  options: Partial<Omit<LogBatch, 'entries'>> = {},
): LogBatch {
  const { reset, truncateFrom, commitIndex = 0 } = options;
  return { reset, truncateFrom, entries, commitIndex };
}

export type OpenedLog = Awaited<ReturnType<typeof SegmentedLog.open>>;

export async function newLog(
  disk: CrashDisk,
  options: Partial<SegmentedLogOptions> = {},
): Promise<OpenedLog> {
  await disk.makeDirectory(logDirectory);
  await disk.syncDirectory('/');
  await disk.syncDirectory('/data');
  await SegmentedLog.create(logOptions(disk, options));
  return openLog(disk, options);
}

export function openLog(
  disk: CrashDisk,
  options: Partial<SegmentedLogOptions> = {},
): Promise<OpenedLog> {
  return SegmentedLog.open(logOptions(disk, options));
}

function logOptions(disk: CrashDisk, options: Partial<SegmentedLogOptions>): SegmentedLogOptions {
  const defaults = { directory: logDirectory, owner, logger: silentLogger, segmentBytes: 4096 };
  return { disk, ...defaults, ...options };
}

/** Index, term and payload of each: what must come back. */
export function describeEntries(entries: readonly Entry[]): string[] {
  return entries.map(
    (entry) => `${entry.index}@${entry.term} ${Buffer.from(entry.encoded).toString('base64')}`,
  );
}

export async function readAll(opened: OpenedLog): Promise<string[]> {
  const { log, recovered } = opened;
  const entries = await readRange(log, recovered.firstIndex, recovered.lastIndex);
  return describeEntries(entries);
}

/** In small portions, as peers and the apply loop do. */
export async function readRange(
  log: Pick<SegmentedLog, 'read'>,
  from: LogIndex,
  to: LogIndex,
  bytesMax = 700,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let next = from; next <= to; next = from + entries.length) {
    entries.push(...(await log.read(next, to, bytesMax)));
  }
  return entries;
}

/** Lets everything that is not held up come to rest. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await null;
}

/** Holds up every change of the files from now on. */
export function holdWrites(disk: CrashDisk): () => void {
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  disk.beforeChange = () => gate;
  return () => {
    disk.beforeChange = undefined;
    release();
  };
}

/** The same for every operation that changes nothing. */
export function holdLooks(disk: CrashDisk): () => void {
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  disk.beforeLook = () => gate;
  return () => {
    disk.beforeLook = undefined;
    release();
  };
}

export async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'done',
    (error: unknown) => error,
  );
}

/** Keeps the warnings. */
export function collectingLogger(): Logger & { readonly warnings: string[] } {
  const warnings: string[] = [];
  return { ...silentLogger, warn: (message) => warnings.push(message), warnings };
}
