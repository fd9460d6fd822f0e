import type { HistoryEntry, ReadOperation, WriteOperation } from './history.ts';
import type { CheckName, Violation } from './violation.ts';

/** The value that a key has before its first write. */
const absent: WriteOperation = {
  type: 'write',
  key: '',
  client: '',
  value: '',
  outcome: 'acknowledged',
  invokedAtMs: Number.NEGATIVE_INFINITY,
  settledAtMs: Number.NEGATIVE_INFINITY,
  revision: 0,
};

/**
 * Looks for lost writes and stale reads, key by key: a read must return a value that was written,
 * that no later finished write had replaced before the read began, and that is no older than what
 * an earlier read returned; revisions must rise with real time. Necessary, not sufficient, for
 * linearizability: values are unique, so each read names the write that it saw.
 */
export function checkRegisters(history: readonly HistoryEntry[]): Violation[] {
  const problems: Violation[] = [];
  const named = (check: CheckName, texts: readonly string[]): Violation[] =>
    texts.map((text) => ({ check, text }));
  for (const [key, entries] of groupByKey(history)) {
    const writes = entries.filter((entry) => entry.type === 'write');
    const reads = entries.filter((entry) => entry.type === 'read');
    reads.sort((one, other) => one.invokedAtMs - other.invokedAtMs);
    problems.push(
      ...named('linearizability', checkKey(key, writes, reads)),
      ...named('revisions follow real time', checkRevisions(key, writes)),
    );
  }
  return problems;
}

function groupByKey(history: readonly HistoryEntry[]): Map<string, HistoryEntry[]> {
  const byKey = new Map<string, HistoryEntry[]>();
  for (const entry of history) {
    const entries = byKey.get(entry.key);
    if (entries === undefined) byKey.set(entry.key, [entry]);
    else entries.push(entry);
  }
  return byKey;
}

/** When a write was certainly over: one of unknown outcome may take effect at any later time. */
function endOf(write: WriteOperation): number {
  return write.outcome === 'acknowledged' ? write.settledAtMs : Number.POSITIVE_INFINITY;
}

/**
 * The largest value among items that had ended before a time: answered by binary search, as a
 * history has many thousands of operations.
 */
class LatestBefore<T> {
  readonly #items: readonly { endMs: number; item: T; startMs: number }[];

  constructor(items: readonly T[], endMs: (item: T) => number, startMs: (item: T) => number) {
    const sorted = items
      .map((item) => ({ item, endMs: endMs(item), startMs: startMs(item) }))
      .filter((entry) => entry.endMs !== Number.POSITIVE_INFINITY)
      .sort((one, other) => one.endMs - other.endMs);
    // Each entry takes over the latest start so far: a prefix maximum.
    for (const [index, entry] of sorted.entries()) {
      const before = sorted[index - 1];
      if (before !== undefined && before.startMs > entry.startMs) {
        entry.startMs = before.startMs;
        entry.item = before.item;
      }
    }
    this.#items = sorted;
  }

  find(timeMs: number): { readonly item: T; readonly startMs: number } | undefined {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#items[middle] as { endMs: number }).endMs < timeMs) low = middle + 1;
      else high = middle;
    }
    return this.#items[low - 1];
  }
}

function checkKey(
  key: string,
  writes: readonly WriteOperation[],
  reads: readonly ReadOperation[],
): string[] {
  const problems: string[] = [];
  const byValue = new Map(writes.map((write) => [write.value, write]));
  const writeOf = (read: ReadOperation): WriteOperation | undefined =>
    read.value === undefined ? absent : byValue.get(read.value);
  const finishedWrites = new LatestBefore(writes, endOf, (write) => write.invokedAtMs);
  const finishedReads = new LatestBefore(
    reads,
    (read) => read.settledAtMs,
    (read) => writeOf(read)?.invokedAtMs ?? Number.NEGATIVE_INFINITY,
  );
  for (const read of reads) {
    const write = writeOf(read);
    const name = `${key}: ${read.consistency} read of "${read.value}" by ${read.client}`;
    const at = `${name} at ${read.invokedAtMs.toFixed(1)}..${read.settledAtMs.toFixed(1)}`;
    if (write === undefined) {
      problems.push(`${at}: nobody wrote that`);
      continue;
    }
    if (write.outcome === 'refused') problems.push(`${at}: that write was refused`);
    if (write.invokedAtMs > read.settledAtMs) problems.push(`${at}: that was written later`);
    const newer = finishedWrites.find(read.invokedAtMs);
    if (newer !== undefined && newer.startMs > endOf(write)) {
      problems.push(`${at}: stale, "${newer.item.value}" was acknowledged before`);
    }
    const earlier = finishedReads.find(read.invokedAtMs);
    if (earlier !== undefined && earlier.startMs > endOf(write)) {
      problems.push(`${at}: an earlier read had seen the newer "${earlier.item.value}"`);
    }
    const told = read.modRevision !== undefined && write.revision !== undefined;
    if (told && read.modRevision !== write.revision) {
      problems.push(`${at}: revision ${read.modRevision}, written as ${write.revision}`);
    }
  }
  return problems;
}

function checkRevisions(key: string, writes: readonly WriteOperation[]): string[] {
  const problems: string[] = [];
  const acknowledged = writes
    .filter((write) => write.outcome === 'acknowledged')
    .sort((one, other) => (one.revision ?? 0) - (other.revision ?? 0));
  let latestInvoked = absent;
  for (const write of acknowledged) {
    if (write.revision === latestInvoked.revision) {
      problems.push(`${key}: revision ${write.revision} was given out twice`);
    }
    if (write.settledAtMs < latestInvoked.invokedAtMs) {
      problems.push(`${key}: revision ${write.revision} runs against real time`);
    }
    if (write.invokedAtMs > latestInvoked.invokedAtMs) latestInvoked = write;
  }
  return problems;
}
