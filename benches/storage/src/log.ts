import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Entry } from '@d-engine/base';
import { encodeEntries, entryKinds, silentLogger } from '@d-engine/base';
import { SegmentedLog } from '@d-engine/storage';
import { RealDisk } from '../../../packages/d-engine/src/env/index.ts';
import { CountingDisk } from './counting-disk.ts';
import { median, perSecondText, report, spread } from './report.ts';

const owner = 'ab'.repeat(16);
const payload = Buffer.alloc(256, 'x');
const pairs = 10;
const fileBytes = 64 * 1024 * 1024;

/**
 * The log beside the bare disk, in turns: each pair writes the same bytes in the same batches, once
 * with a plain write and fdatasync into a file of zeros, once through the log.
 */
export async function runLogBench(): Promise<void> {
  const directory = await mkdtemp(join(process.cwd(), 'bench-storage-'));
  try {
    for (const batch of [1, 16, 128, 1_000]) await groupCommit(directory, batch);
    await start(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function groupCommit(directory: string, batch: number): Promise<void> {
  const rounds = Math.max(30, Math.min(500, Math.floor(60_000 / batch)));
  const ratios: number[] = [];
  const lone: { raw: number; ours: number; sync: number }[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const entries = entriesOf(1, batch);
    const bytes = entries.reduce((sum, { encoded }) => sum + encoded.length, 0);
    const raw = rawBatches(directory, bytes, rounds);
    const ours = await logBatches(directory, batch, rounds);
    ratios.push(raw.total / ours.total);
    lone.push({ raw: raw.median, ours: ours.median, sync: raw.sync });
  }
  const name = `batches of ${batch} x 256 B`;
  report(`${name}: log / raw throughput`, spread(ratios));
  const [raw, ours, sync] = (['raw', 'ours', 'sync'] as const).map((key) =>
    median(lone.map((times) => times[key])),
  ) as [number, number, number];
  report('  a batch, us: raw, log, of it fdatasync', [raw, ours, sync].map(micros).join(', '));
  report('  entries a second through the log', perSecondText(batch / ours));
}

interface Times {
  /** Seconds. */
  readonly total: number;
  readonly median: number;
}

function rawBatches(directory: string, bytes: number, rounds: number): Times & { sync: number } {
  const file = openSync(join(directory, 'raw'), 'w+');
  try {
    const zeros = Buffer.alloc(1024 * 1024);
    for (let at = 0; at < fileBytes; at += zeros.length)
      writeSync(file, zeros, 0, zeros.length, at);
    fdatasyncSync(file);
    const data = Buffer.alloc(bytes, 'x');
    const times: number[] = [];
    const syncs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const startedAt = performance.now();
      writeSync(file, data, 0, bytes, (round * bytes) % (fileBytes - bytes));
      const written = performance.now();
      fdatasyncSync(file);
      const synced = performance.now();
      times.push((synced - startedAt) / 1000);
      syncs.push((synced - written) / 1000);
    }
    return { ...timesOf(times), sync: median(syncs) };
  } finally {
    closeSync(file);
  }
}

async function logBatches(directory: string, batch: number, rounds: number): Promise<Times> {
  const disk = new RealDisk();
  const log = await newLog(disk, join(directory, 'log'));
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const entries = entriesOf(1 + round * batch, batch);
    const startedAt = performance.now();
    await append(log, entries);
    times.push((performance.now() - startedAt) / 1000);
  }
  await log.close();
  await disk.close();
  await rm(join(directory, 'log'), { recursive: true });
  return timesOf(times);
}

/** 1,000,000 entries, all but the last thousand behind a snapshot. */
async function start(directory: string): Promise<void> {
  const path = join(directory, 'log');
  const disk = new RealDisk();
  const log = await newLog(disk, path);
  const count = 1_000_000;
  for (let first = 1; first <= count; first += 1_000) await append(log, entriesOf(first, 1_000));
  const { bytes } = log;
  await log.close();
  for (const coveredIndex of [0, count - 1_000]) {
    const counting = new CountingDisk(disk);
    const startedAt = performance.now();
    const opened = await SegmentedLog.open({
      disk: counting,
      directory: path,
      owner,
      logger: silentLogger,
      coveredIndex,
    });
    const tookMs = performance.now() - startedAt;
    const read = `${Math.round(counting.readBytes / 1e6)} of ${Math.round(bytes / 1e6)} MB read`;
    report(`start, a snapshot at ${coveredIndex}`, `${Math.round(tookMs)} ms, ${read}`);
    await opened.log.close();
  }
  await disk.close();
}

async function newLog(disk: RealDisk, directory: string): Promise<SegmentedLog> {
  await mkdir(directory);
  const options = { disk, directory, owner, logger: silentLogger };
  await SegmentedLog.create(options);
  return (await SegmentedLog.open(options)).log;
}

function append(log: SegmentedLog, entries: readonly Entry[]): Promise<void> {
  return log.append({ reset: undefined, truncateFrom: undefined, entries, commitIndex: 0 });
}

function entriesOf(first: number, count: number): Entry[] {
  const proposals = Array.from({ length: count }, () => ({ kind: entryKinds.command, payload }));
  return encodeEntries(proposals, first, 1, 0);
}

function timesOf(times: readonly number[]): Times {
  return { total: times.reduce((sum, time) => sum + time, 0), median: median(times) };
}

function micros(seconds: number): string {
  return (seconds * 1e6).toFixed(0);
}
