import type {
  Clock,
  Entry,
  MembershipView,
  MembershipWatch,
  Metrics,
  Watch,
  WatchOptions,
  WatchTarget,
} from '@d-engine/base';
import { BatchReader, DEngineError } from '@d-engine/base';
import type { Raft } from '@d-engine/raft';
import { isMembershipKind } from '@d-engine/raft';
import type { StateEvent, StateMachine } from '@d-engine/storage';
import type { OperationChecks } from '../operation-checks.ts';
import { LatestValue } from './latest-value.ts';
import { LocalWatch } from './local-watch.ts';
import { WatchHub } from './watch-hub.ts';
import { WatchMetrics } from './watch-metrics.ts';
import { selectionOf } from './watch-selection.ts';
import type { WatchSettings } from './watch-settings.ts';
import type { OpenWatch, WatcherRequest, WatchOpener } from './watcher.ts';

export interface WatchesOptions {
  readonly clock: Clock;
  readonly settings: WatchSettings;
  readonly metrics: Metrics;
  readonly state: Pick<StateMachine, 'revision' | 'historyId' | 'appliedIndex'>;
  readonly raft: Pick<Raft, 'leaderId' | 'snapshotAt' | 'configuration'>;
  readonly checks: Pick<OperationChecks, 'key'>;
  /** Set while this member must not serve. */
  readonly closed: () => DEngineError | undefined;
}

/** The watches of one member: of keys, and of who is in the cluster. */
export class Watches implements WatchOpener {
  readonly #options: WatchesOptions;
  readonly #hub: WatchHub;
  readonly membership: LatestValue<MembershipView>;

  constructor(options: WatchesOptions) {
    const { clock, settings, state, raft } = options;
    this.#options = options;
    this.#hub = new WatchHub({
      clock,
      settings,
      state,
      metrics: new WatchMetrics(options.metrics),
      hasLeader: () => raft.leaderId !== null,
    });
    this.membership = new LatestValue(viewOf(raft.configuration, 0));
  }

  open(request: WatcherRequest, wake: () => void): OpenWatch | DEngineError {
    const problem = this.#options.closed() ?? this.#check(request);
    return problem ?? this.#hub.open(request, wake);
  }

  /** For code in this process. */
  watch(target: WatchTarget, options: WatchOptions = {}): Watch {
    const watch = new LocalWatch(this, {
      selection: selectionOf(target),
      after: options.after,
      previousValues: options.previousValues ?? false,
      progressIntervalMs: options.progressIntervalMs,
    });
    return watch.start(options.signal);
  }

  watchMembership(options: Pick<WatchOptions, 'signal'> = {}): MembershipWatch {
    const { membership } = this;
    let seen = -1;
    const reader = new BatchReader<MembershipView>(
      {
        take: () => {
          if (membership.failure !== undefined) reader.fail(membership.failure);
          if (seen === membership.version) return undefined;
          seen = membership.version;
          return membership.value;
        },
        close: () => stop(),
      },
      options.signal,
    );
    const stop = membership.watch(() => reader.wake());
    return reader;
  }

  /** The state machine has moved on. */
  onApplied(entries: readonly Entry[], events: readonly StateEvent[]): void {
    this.#hub.onApplied(events);
    if (entries.some(({ kind }) => isMembershipKind(kind))) this.#lookAtMembers();
  }

  /** A snapshot took the place of the state. */
  onLoaded(): void {
    this.#hub.onLoaded();
    this.#lookAtMembers();
  }

  /** Now and then: a member that must not serve ends its watches too. */
  onIdle(): void {
    const closed = this.#options.closed();
    if (closed !== undefined) this.#hub.cancelAll(closed);
  }

  refreshMetrics(): void {
    this.#hub.refreshMetrics();
  }

  stop(message: string): void {
    const error = new DEngineError('Stopped', message);
    this.#hub.stop(error);
    this.membership.stop(error);
  }

  #check({ selection }: WatcherRequest): DEngineError | undefined {
    const { checks } = this.#options;
    if (selection.type === 'key') return checks.key(selection.key);
    const { start, end } = selection;
    const problem = checks.key(start) ?? (end === null ? undefined : checks.key(end));
    if (problem !== undefined) return problem;
    if (end === null || Buffer.compare(start, end) < 0) return undefined;
    const message = 'the range is empty: its end is not above its start';
    return new DEngineError('InvalidRequest', message);
  }

  #lookAtMembers(): void {
    const { raft, state } = this.#options;
    const { configuration, configurationIndex } = raft.snapshotAt(state.appliedIndex).membership;
    if (configurationIndex <= this.membership.value.committedIndex) return;
    this.membership.set(viewOf(configuration, configurationIndex));
  }
}

function viewOf(
  { voters, learners }: Pick<Raft['configuration'], 'voters' | 'learners'>,
  committedIndex: number,
): MembershipView {
  return { voters: [...voters], learners: [...learners], committedIndex };
}
