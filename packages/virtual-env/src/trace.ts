import { Fingerprint } from './fingerprint.ts';

/** What may happen in a world. The numbers go into the fingerprint, the names into the trace. */
export const traceKinds = {
  timer: 1,
  poll: 2,
  compute: 3,
  stall: 4,
  crash: 5,
  powerLoss: 6,
  restart: 7,
  pause: 8,
  resume: 9,
  wallJump: 10,
  uncaught: 11,
  note: 12,
  diskDone: 20,
  diskFailed: 21,
  diskCrash: 22,
  diskFault: 23,
  listen: 30,
  unlisten: 31,
  connect: 32,
  connected: 33,
  refused: 34,
  lost: 35,
  call: 36,
  answer: 37,
  callFailed: 38,
  streamOpen: 39,
  streamSend: 40,
  streamMessage: 41,
  streamEnd: 42,
  streamReset: 43,
  streamClose: 44,
  drain: 45,
  messageLost: 46,
  messageDuplicated: 47,
  messageReordered: 48,
  cut: 50,
  heal: 51,
  clog: 52,
  reset: 53,
  bytes: 54,
  bytesEnd: 55,
  bytesClose: 56,
  bytesLost: 57,
  bytesSplit: 58,
  bytesJoined: 59,
  bytesDrain: 60,
} as const;
export type TraceKind = keyof typeof traceKinds;

/** Above every number of a kind. */
const tracesMax = 64;

/** One line of a run's story. */
export interface TraceEvent {
  readonly timeMs: number;
  readonly kind: TraceKind;
  /** The host that it happened on; empty for the world's own. */
  readonly host: string;
  /** A path, a method, a peer: depends on the kind. */
  readonly subject: string;
  /** A length, a hash, a time in milliseconds: depends on the kind. */
  readonly value: number;
}

export type TraceSink = (event: TraceEvent) => void;

/** Keeps the fingerprint always, and tells a sink when there is one: only then is text built. */
export class Trace {
  readonly #fingerprint = new Fingerprint();
  readonly #nowMs: () => number;
  #sink: TraceSink | undefined;
  #count = 0;
  readonly #counts = new Uint32Array(tracesMax);

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get count(): number {
    return this.#count;
  }

  countOf(kind: TraceKind): number {
    return this.#counts[traceKinds[kind]] as number;
  }

  attach(sink: TraceSink | undefined): void {
    this.#sink = sink;
  }

  /** `subject` must be a string that exists anyway: this runs for every event. */
  record(kind: TraceKind, host: string, subject: string, value = 0): void {
    const timeMs = this.#nowMs();
    this.#count += 1;
    const number = traceKinds[kind];
    this.#counts[number] = (this.#counts[number] as number) + 1;
    const fingerprint = this.#fingerprint;
    fingerprint.mix(number);
    fingerprint.mixDouble(timeMs);
    fingerprint.mixText(host);
    fingerprint.mixText(subject);
    if ((value | 0) === value) fingerprint.mix(value);
    else fingerprint.mixDouble(value);
    if (this.#sink !== undefined) this.#sink({ timeMs, kind, host, subject, value });
  }

  fingerprint(): string {
    return `${this.#fingerprint.toString()}-${this.#count}`;
  }
}

/** One line for a log or a test's message. */
export function formatTraceEvent(event: TraceEvent): string {
  const time = event.timeMs.toFixed(3).padStart(12);
  const host = event.host.padEnd(8);
  return `${time} ${host} ${event.kind.padEnd(14)} ${event.subject} ${event.value}`;
}
