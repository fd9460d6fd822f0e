import type { Disk, DiskFile, Logger } from '@d-engine/base';
import { assert, DiskError, describeError } from '@d-engine/base';
import { asError } from './as-error.ts';
import { preallocateSegment, segmentPath } from './segment-files.ts';

export interface OpenSegment {
  readonly segmentId: number;
  readonly file: DiskFile;
  readonly capacity: number;
}

type Preparation =
  | { readonly type: 'running'; readonly done: Promise<void> }
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly cause: Error };

/** Keeps the next segment ready, made in the background, so that appends need not wait for it. */
export class SegmentSupply {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #segmentBytes: number;
  readonly #logger: Logger;
  #segmentId = 0;
  /** The newest segment that was handed out: it is in use, and must never be made again. */
  #takenId = 0;
  #preparation: Preparation | undefined;

  constructor(options: {
    readonly disk: Disk;
    readonly directory: string;
    readonly segmentBytes: number;
    readonly logger: Logger;
  }) {
    this.#disk = options.disk;
    this.#directory = options.directory;
    this.#segmentBytes = options.segmentBytes;
    this.#logger = options.logger;
  }

  /** An unused segment that recovery found. */
  adopt(segmentId: number): void {
    this.#segmentId = segmentId;
    this.#preparation = { type: 'ready' };
  }

  /** Starts making `segmentId`, unless it is made or being made. A full disk is tried again. */
  prepare(segmentId: number): void {
    // While a taken segment is being opened, the log still stands in the one before.
    if (segmentId <= this.#takenId) return;
    if (this.#segmentId !== segmentId) this.#preparation = undefined;
    if (this.#preparation !== undefined && !this.#mayRetry()) return;
    this.#segmentId = segmentId;
    this.#preparation = { type: 'running', done: this.#make(segmentId) };
  }

  get isReady(): boolean {
    return this.#preparation?.type === 'ready';
  }

  get problem(): Error | undefined {
    return this.#preparation?.type === 'failed' ? this.#preparation.cause : undefined;
  }

  /** A failure that no second try mends; see {@link problem} for the others. */
  get failure(): Error | undefined {
    return this.#mayRetry() ? undefined : this.problem;
  }

  /** The segment, opened; the caller closes it. Rejects when it could not be made. */
  async take(segmentId: number): Promise<OpenSegment> {
    this.prepare(segmentId);
    await this.settled();
    const preparation = this.#preparation;
    assert(preparation !== undefined && preparation.type !== 'running', 'a segment half made');
    if (preparation.type === 'failed') throw preparation.cause;
    this.#preparation = undefined;
    this.#takenId = segmentId;
    const file = await this.#disk.open(segmentPath(this.#directory, segmentId), 'readWrite');
    return { segmentId, file, capacity: await file.size() };
  }

  /** Resolves when nothing is being made. */
  async settled(): Promise<void> {
    while (this.#preparation?.type === 'running') await this.#preparation.done;
  }

  /** Any other failure than a full disk says that the disk is not to be trusted: final. */
  #mayRetry(): boolean {
    if (this.#preparation?.type !== 'failed') return false;
    const { cause } = this.#preparation;
    return cause instanceof DiskError && cause.kind === 'full';
  }

  /** Never rejects. */
  async #make(segmentId: number): Promise<void> {
    let result: Preparation = { type: 'ready' };
    try {
      await preallocateSegment(this.#disk, this.#directory, segmentId, this.#segmentBytes);
    } catch (thrown) {
      const cause = asError(thrown);
      result = { type: 'failed', cause };
      this.#logger.warn('Log: the next segment could not be made', {
        segmentId,
        error: describeError(cause),
      });
    }
    this.#preparation = result;
  }
}
