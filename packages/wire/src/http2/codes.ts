/** Frame types of RFC 9113, section 6. */
export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags of frames; one bit may mean different things in different frames. */
export const frameFlags = {
  endStream: 0x1,
  ack: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const;

/** Error codes of RFC 9113, section 7. */
export const errorCodes = {
  noError: 0x0,
  protocolError: 0x1,
  internalError: 0x2,
  flowControlError: 0x3,
  settingsTimeout: 0x4,
  streamClosed: 0x5,
  frameSizeError: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compressionError: 0x9,
  connectError: 0xa,
  enhanceYourCalm: 0xb,
  inadequateSecurity: 0xc,
  http11Required: 0xd,
} as const;

/** Settings of RFC 9113, section 6.5.2, and one of our own. */
export const settingIds = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
  /** What a connection is for, by a number; others have to ignore it (section 5.5). */
  purpose: 0xde01,
} as const;

/** What begins every frame (section 4.1). */
export const frameHeadBytes = 9;

/** The window that both sides start with, of streams and of the connection (section 6.9.2). */
export const initialWindowBytes = 65_535;

/** No window may become larger (section 6.9.1). */
export const windowBytesMax: number = 2 ** 31 - 1;

/** The smallest and the largest bound that a peer may set for a frame's payload (6.5.2). */
export const frameBytesMin = 16_384;
export const frameBytesMax: number = 2 ** 24 - 1;

/** The last number of a stream; a connection that used it up takes no more (section 5.1.1). */
export const streamIdMax: number = 2 ** 31 - 1;
