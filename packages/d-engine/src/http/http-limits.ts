const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

/** Bounds of the HTTP/1.1 side, each with its reason. Tests make some of them smaller. */
export interface HttpLimits {
  /** Request line and headers together. A key in `/get?key=` is part of it. */
  readonly headerBytesMax: number;
  /** From the first byte of a connection or request to the end of the headers. */
  readonly headersTimeoutMs: number;
  /** From there to the end of the body. */
  readonly requestTimeoutMs: number;
  /** How often the two timeouts above are looked at. */
  readonly timeoutCheckIntervalMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly connectionsMax: number;
  /** Requests of all connections together that have no answer yet. */
  readonly requestsInFlightMax: number;
  /** Bytes of bodies of all requests together that are held in memory. */
  readonly bodyBytesInFlightMax: number;
  /** What is read and thrown away of a refused body, so that the caller gets to see the answer. */
  readonly discardBytesMax: number;
  readonly discardMs: number;
}

export const httpLimits: HttpLimits = {
  // Node's default of 16 KiB would refuse to read keys that may be written.
  headerBytesMax: 64 * kibibyte,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  timeoutCheckIntervalMs: 1_000,
  // Over the 60 s of usual load balancers: the side that sends requests should be first to close.
  keepAliveTimeoutMs: 75_000,
  connectionsMax: 2_048,
  requestsInFlightMax: 4_096,
  bodyBytesInFlightMax: 128 * mebibyte,
  discardBytesMax: 8 * mebibyte,
  discardMs: 2_000,
};
