import type { Clock, Logger, LogIndex } from '@d-engine/base';
import { DEngineError, DiskError, describeError, limits, must } from '@d-engine/base';
import type { Membership, Raft } from '@d-engine/raft';
import type {
  SnapshotHeader,
  SnapshotInfo,
  SnapshotSection,
  StateMachine,
  StateView,
  Storage,
} from '@d-engine/storage';
import { snapshotSectionKinds } from '@d-engine/storage';
import { purgeLimit } from './log-retention.ts';
import type { SnapshotMetrics } from './snapshot-metrics.ts';
import type { SnapshotSettings } from './snapshot-settings.ts';
import type { SnapshotTrigger } from './snapshot-trigger.ts';

/**
 * Folds the log into snapshots. One is written at a time, from a view of the state that does not
 * change while writes go on; the log is cut only behind one that is durable.
 */
export class SnapshotTask {
  readonly #raft: Raft;
  readonly #storage: Storage;
  readonly #stateMachine: StateMachine;
  readonly #settings: SnapshotSettings;
  readonly #mayTake: () => boolean;
  readonly #trigger: SnapshotTrigger;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #metrics: SnapshotMetrics;
  readonly #onFailure: (error: unknown) => void;
  #state: 'ready' | 'writing' | 'stopped' = 'ready';
  /** Another snapshot is about to take the place of the state. */
  #paused = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: {
    raft: Raft;
    storage: Storage;
    stateMachine: StateMachine;
    settings: SnapshotSettings;
    mayTake: () => boolean;
    trigger: SnapshotTrigger;
    clock: Clock;
    logger: Logger;
    metrics: SnapshotMetrics;
    onFailure: (error: unknown) => void;
  }) {
    this.#raft = options.raft;
    this.#storage = options.storage;
    this.#stateMachine = options.stateMachine;
    this.#settings = options.settings;
    this.#mayTake = options.mayTake;
    this.#trigger = options.trigger;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#metrics = options.metrics;
    this.#onFailure = options.onFailure;
  }

  stop(): void {
    this.#state = 'stopped';
  }

  /** Resolves when nothing is being written; nothing is begun until `resume`. */
  async pause(): Promise<void> {
    this.#paused = true;
    await this.#writing;
  }

  resume(): void {
    this.#paused = false;
  }

  /** Called when something was applied, and now and then: takes a snapshot when one is due. */
  check(): void {
    if (this.#state !== 'ready' || this.#paused || !this.#mayTake()) return;
    const { appliedIndex } = this.#stateMachine;
    if (!this.#trigger.isDue(appliedIndex, this.#storage.logBytes)) return;
    this.#begin().catch(() => undefined);
  }

  /**
   * Takes one now, unless the newest has all up to `index`, which was applied. Rejects when there
   * is no room for it, or when it must not be taken at this moment.
   */
  async takeWith(index: LogIndex): Promise<void> {
    while (this.#latestIndex < index) {
      await this.#writing;
      if (this.#latestIndex >= index) return;
      const problem = this.#whyNot();
      if (problem !== undefined) throw problem;
      await this.#begin();
    }
  }

  #whyNot(): DEngineError | undefined {
    if (this.#state === 'stopped') return new DEngineError('Stopped', 'this member is stopping');
    if (!this.#mayTake()) {
      return new DEngineError('StateDiverged', 'the state of this member is not to be trusted');
    }
    if (!this.#paused && this.#state === 'ready') return undefined;
    const message = 'a snapshot of the leader is taking the place of the state: retry later';
    return new DEngineError('RateLimited', message, { retryAfterMs: limits.snapshotSaveRetryMs });
  }

  /** What fails is dealt with; whoever waits hears of it all the same. */
  #begin(): Promise<void> {
    this.#state = 'writing';
    const taking = this.#take();
    this.#writing = taking
      .catch((error: unknown) => this.#onTakeFailed(error))
      .catch((error: unknown) => this.#onFailure(error))
      .finally(() => {
        if (this.#state === 'writing') this.#state = 'ready';
      });
    return taking;
  }

  async #take(): Promise<void> {
    const startedAtMs = this.#clock.monotonicMs();
    const view = this.#stateMachine.view();
    let info: SnapshotInfo;
    try {
      const { index, term, membership } = this.#raft.snapshotAt(view.appliedIndex);
      const { clusterId, formedAtWallMs } = membership;
      const header: SnapshotHeader = { clusterId, formedAtWallMs, index, term };
      info = await this.#storage.snapshots.write(header, sectionsOf(membership, view));
    } finally {
      view.release();
    }
    const tookMs = this.#clock.monotonicMs() - startedAtMs;
    this.#metrics.taken.add();
    this.#metrics.takenMs.observe(tookMs);
    this.#logger.info('snapshot taken', {
      index: info.header.index,
      term: info.header.term,
      keys: info.keyCount,
      bytes: info.lengthBytes,
      took_ms: Math.round(tookMs),
    });
    await this.#settle(info.header.index);
  }

  /** There is a new durable snapshot, made here or sent by a leader. */
  async #settle(index: LogIndex): Promise<void> {
    this.#trigger.taken(index);
    this.purge();
    await this.#storage.snapshots.removeOlder(this.#settings.retainCount);
  }

  /** A snapshot of a leader was installed. */
  installed(index: LogIndex): void {
    this.#settle(index).catch((error: unknown) => this.#onFailure(error));
  }

  get #latestIndex(): LogIndex {
    return this.#storage.snapshots.latest?.header.index ?? 0;
  }

  /** Without room it is tried again later; the log grows until then. */
  #onTakeFailed(error: unknown): void {
    this.#metrics.failures.add();
    this.#trigger.postpone();
    if (!(error instanceof DiskError && error.kind === 'full')) throw error;
    this.#logger.warn('no room for a snapshot: it is tried again later', {
      error: describeError(error),
    });
  }

  /** Cuts the log behind the newest snapshot, as far as nobody needs it. */
  purge(): void {
    if (this.#state === 'stopped' || this.#latestIndex === 0) return;
    const raft = this.#raft;
    const limit = purgeLimit({
      snapshotIndex: this.#latestIndex,
      retained: this.#settings.retainedLogEntries,
      peers: raft.progress(),
    });
    const upTo = Math.min(limit, this.#stateMachine.appliedIndex, raft.durableIndex);
    if (upTo < raft.firstLogIndex) return;
    const term = must(raft.termAt(upTo), `the term of entry ${upTo}`);
    this.#metrics.purgedEntries.add(upTo - raft.firstLogIndex + 1);
    raft.compacted(upTo);
    this.#storage.purgeLog(upTo, term).catch((error: unknown) => this.#onFailure(error));
  }
}

/** Who belongs to the cluster comes first; a receiver needs it before it looks at any key. */
async function* sectionsOf(
  membership: Membership,
  view: StateView,
): AsyncGenerator<SnapshotSection, void, undefined> {
  const { configuration, configurationIndex, bindings } = membership;
  const kind = snapshotSectionKinds.configuration;
  yield { kind, configuration, configurationIndex, bindings };
  yield* view.sections();
}
