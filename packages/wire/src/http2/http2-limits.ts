/**
 * What a peer can make a connection do or hold, beyond what the options say. Honest peers stay far
 * below; each bound has the attack that it ends. Rates are token buckets: `burst` at once, and
 * `perSecond` from then on.
 */
export const http2Limits = {
  /**
   * Frames that one header block may be cut into. The list's limit takes five frames of the
   * smallest maximum; empty or tiny ones without end are the CONTINUATION flood.
   */
  headerFramesMax: 32,
  /** Entries of one SETTINGS frame: there are six settings, and one may be repeated. */
  settingsEntriesMax: 64,
  /** What a peer may write into the debug data of its GOAWAY. */
  goawayBytesMax: 4_096,
  /** PING frames: each is answered, so many of them are work for nothing. */
  pings: { burst: 1_000, perSecond: 100 },
  /** SETTINGS frames: each is answered and may touch every stream. */
  settings: { burst: 200, perSecond: 10 },
  /**
   * Streams that end before they were answered, by RST_STREAM or by an error of the peer. A client
   * may give up all that it has open at once, twice; opening and resetting without pause, past the
   * bound of concurrent streams, is the rapid reset.
   */
  resets: { burst: 2_048, perSecond: 200 },
  /** DATA without content and without an end: they cost a frame and move no window. */
  emptyData: { burst: 1_000, perSecond: 100 },
  /** WINDOW_UPDATE frames beside those that answer what was sent. */
  windowUpdates: { burst: 10_000, perSecond: 1_000 },
  /** PRIORITY, unknown frames, and frames for streams that are over: to be ignored, but read. */
  ignored: { burst: 10_000, perSecond: 1_000 },
  /** WINDOW_UPDATEs that one DATA frame of ours may bring: of its stream and its connection. */
  windowUpdatesPerData: 4,
  /**
   * Bytes that wait for a peer which takes none: from here on nothing more is read from it, so
   * that its frames make no more answers. Data of streams waits elsewhere and is not among them.
   */
  unsentBytesMax: 1_048_576,
  /**
   * Content that one connection sends in one round of the event loop: the system takes megabytes
   * at once, and a snapshot must not keep heartbeats waiting for that long.
   */
  sentBytesPerRound: 262_144,
  /** How many of the streams that are over are told apart from those that never were. */
  recentStreams: 1_024,
  /** A connection that ended by an error goes on reading this long, so that GOAWAY arrives. */
  lingerMs: 1_000,
  /** Progress counts in steps of this: single bytes do not keep a stream alive for ever. */
  progressStepBytes: 262_144,
} as const;
