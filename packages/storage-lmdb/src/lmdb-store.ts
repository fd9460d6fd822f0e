import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  OrderedStore,
  OrderedView,
  StoreChange,
  StoreEntry,
  StoreRange,
} from 'd-engine/storage';
import { DiskError } from 'd-engine/storage';
import type { Database, RootDatabase } from 'lmdb';
import { open } from 'lmdb';
import { problemOf } from './lmdb-file.ts';
import { bucketOf, entriesOf, keyBytesMax, valueIn, withChanges } from './long-keys.ts';

type Bytes = RootDatabase<Buffer, Buffer>;
type Transaction = ReturnType<Database['useReadTransaction']>;

/** One LMDB environment; its writes run on a thread of the library, and each is synced. */
export class LmdbStore implements OrderedStore {
  readonly directory: string;
  readonly #database: Bytes;

  private constructor(directory: string, database: Bytes) {
    this.directory = directory;
    this.#database = database;
  }

  static async open(directory: string): Promise<LmdbStore> {
    try {
      await mkdir(directory, { recursive: true });
      const path = join(directory, 'state.lmdb');
      const problem = await problemOf(path);
      if (problem !== undefined) throw new Error(`${path} cannot be opened, ${problem}`);
      const database = open<Buffer, Buffer>({
        path,
        noSubdir: true,
        encoding: 'binary',
        keyEncoding: 'binary',
        // A write has resolved when it is on disk, not before.
        overlappingSync: false,
        // One key or many, a call of `write` is one transaction.
        eventTurnBatching: false,
      });
      return new LmdbStore(directory, database);
    } catch (error) {
      throw diskErrorOf(error, directory);
    }
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const database = this.#database;
    if (key.length <= keyBytesMax) return database.getBinary(asBuffer(key));
    const bucket = database.getBinary(bucketOf(key));
    return bucket === undefined ? undefined : valueIn(bucket, key);
  }

  walk(range: StoreRange): Iterable<StoreEntry> {
    return walk(this.#database, range, undefined);
  }

  view(): OrderedView {
    const transaction = this.#database.useReadTransaction();
    return {
      walk: (range) => walk(this.#database, range, transaction),
      release: () => transaction.done(),
    };
  }

  async write(changes: readonly StoreChange[]): Promise<void> {
    if (changes.length === 0) return;
    const database = this.#database;
    const short = changes.filter(({ key }) => key.length <= keyBytesMax);
    const long = changes.filter(({ key }) => key.length > keyBytesMax);
    const buckets = this.#buckets(long);
    const settled: Promise<boolean>[] = [];
    const set = (key: Buffer, value: Buffer | null): void => {
      settled.push(value === null ? database.remove(key) : database.put(key, value));
    };
    try {
      const written = database.batch(() => {
        for (const { key, value } of short) {
          set(asBuffer(key), value === null ? null : asBuffer(value));
        }
        for (const [key, value] of buckets) set(key, value);
      });
      await Promise.all([written, ...settled]);
    } catch (error) {
      throw diskErrorOf(error, this.directory);
    }
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  /** What becomes of the buckets that hold long keys. */
  #buckets(changes: readonly StoreChange[]): Iterable<readonly [Buffer, Buffer | null]> {
    const byBucket = new Map<string, StoreChange[]>();
    for (const change of changes) {
      const name = bucketOf(change.key).toString('latin1');
      const others = byBucket.get(name);
      if (others === undefined) byBucket.set(name, [change]);
      else others.push(change);
    }
    return Array.from(byBucket, ([name, each]) => {
      const key = Buffer.from(name, 'latin1');
      return [key, withChanges(this.#database.getBinary(key), each)] as const;
    });
  }
}

function* walk(
  database: Bytes,
  { from, below, isFalling = false }: StoreRange,
  transaction: Transaction | undefined,
): Generator<StoreEntry> {
  if (Buffer.compare(from, below) >= 0) return;
  // A bucket may hold keys on both sides of a long bound: it is walked, and each key is asked.
  const first = from.length <= keyBytesMax ? asBuffer(from) : bucketOf(from);
  const last = below.length <= keyBytesMax ? asBuffer(below) : behindBucket(below);
  const bounds = isFalling
    ? { start: last, end: first, inclusiveEnd: true, exclusiveStart: true, reverse: true }
    : { start: first, end: last };
  const options = transaction === undefined ? bounds : { ...bounds, transaction };
  for (const { key, value } of database.getRange(options)) {
    for (const entry of entriesOf(key, value, isFalling)) {
      const isInside = Buffer.compare(entry.key, from) >= 0 && Buffer.compare(entry.key, below) < 0;
      if (isInside) yield entry;
    }
  }
}

function behindBucket(key: Uint8Array): Buffer {
  return Buffer.concat([bucketOf(key), Buffer.of(0)]);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function diskErrorOf(error: unknown, directory: string): DiskError {
  const message = error instanceof Error ? error.message : String(error);
  const options = { cause: error };
  if (/No space left|ENOSPC/i.test(message)) {
    return new DiskError('full', directory, 'no room for the state: free some', options);
  }
  if (/EACCES|EROFS|Permission denied|Read-only/i.test(message)) {
    const advice = 'this user may not write there: mend the permissions';
    return new DiskError('permission', directory, advice, options);
  }
  const advice =
    `LMDB says: ${message}. If its file is damaged, remove this directory: the state is made ` +
    'again from the snapshot and the log';
  return new DiskError('io', directory, advice, options);
}
