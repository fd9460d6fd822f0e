/** `[raft.watch]` */
export interface WatchSettings {
  /** Events kept for watchers that lag or come back. */
  readonly ringEventsMax: number;
  readonly ringBytesMax: number;
  /** Events that one watcher may lag from one turn to the next. */
  readonly watcherEventsMax: number;
  readonly watchersMax: number;
  /** Time between signs of life of a quiet watch; 0: none. */
  readonly progressIntervalMs: number;
  /** Whether a look at the metrics walks over all watchers, to tell how far they lag. */
  readonly lagMeasured: boolean;
}
