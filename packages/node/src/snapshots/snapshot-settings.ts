/** When this member takes snapshots, and how they travel. */
export interface SnapshotSettings {
  /** Whether it takes any; those that a leader sends are installed all the same. */
  readonly enabled: boolean;
  readonly directory: string;
  readonly namePrefix: string;
  readonly compress: boolean;
  /** Entries applied since the last snapshot that ask for the next. */
  readonly entriesMax: number;
  /** Bytes of the log on disk that ask for one; 0: however many. */
  readonly logBytesMax: number;
  /** A state that changed gets one after this long; 0: never because of time. */
  readonly intervalMs: number;
  /** Least time between two. */
  readonly coolDownMs: number;
  readonly retainCount: number;
  /** Entries that stay in the log behind a snapshot, for peers that lag a little. */
  readonly retainedLogEntries: number;
  /** Bytes of one message of a transfer. */
  readonly chunkBytes: number;
  /** 0: no bound. */
  readonly bandwidthMbpsMax: number;
  /** Attempts at a transfer before it begins anew, with the newest snapshot. */
  readonly pushAttemptsMax: number;
  readonly pushBackoffMs: number;
  readonly pushBackoffMaxMs: number;
  /** So many failures in a row are worth an error in the log: somebody has to look. */
  readonly alertFailures: number;
  /** Of a transfer as a whole, broken connections included. */
  readonly pushTimeoutMs: number;
  /** How long either side waits for the other. */
  readonly chunkTimeoutMs: number;
}
