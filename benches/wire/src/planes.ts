import type { Channel, Failure, MessageStream, Plane } from '@d-engine/base';
import { decodePeerFrame, encodePeerFrame, methodOfPlane, planeOfMethod } from '@d-engine/wire';
import { median, pause, quantile, say } from './figures.ts';
import { createProductEnv } from './product-network.ts';
import { answerQuestions, ServerProcess } from './server-process.ts';

// Heartbeats on Control while a gibibyte goes over Bulk, as between two members; and what becomes
// of them when both share one connection.

const mebibyte = 1024 * 1024;
const totalBytes = 1024 * mebibyte;
const messageBytes = mebibyte;
/** More often than members send them, for a p99 of some hundred of them. */
const heartbeatEveryMs = 5;
const electionTimeoutMinMs = 1_000;
const idleMs = 500;
const attemptsMax = 20;

// ---- the side that takes ----

/** Acknowledges heartbeats, counts bytes, and counts an election when no heartbeat came in time. */
export async function servePlanes(): Promise<void> {
  const env = createProductEnv();
  let elections = 0;
  let bulkBytes = 0;
  let timer: NodeJS.Timeout | undefined;
  const heard = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      elections += 1;
    }, electionTimeoutMinMs);
  };
  const listener = await env.network.listen('127.0.0.1:0', {
    onCall: (call) => call.fail({ status: 'unimplemented', message: 'streams only' }),
    onStream(stream) {
      const isControl = planeOfMethod(stream.method) === 'control';
      return {
        onMessage(message) {
          if (!isControl) {
            bulkBytes += message.length;
            return;
          }
          heard();
          stream.send(answerOf(message));
        },
        onEnd: () => stream.end(),
        onClose: () => isControl && clearTimeout(timer),
      };
    },
  });
  answerQuestions(listener.address, {
    elections: () => elections,
    bulkBytes: () => bulkBytes,
  });
}

function answerOf(message: Uint8Array): Uint8Array {
  const frame = decodePeerFrame('control', message);
  if (frame.type !== 'heartbeatRequest') throw new Error(`a ${frame.type}`);
  const { term, token } = frame;
  return encodePeerFrame('control', { type: 'heartbeatResponse', term, token, matchIndex: 0 });
}

// ---- the side that sends ----

export interface PlanesOptions {
  readonly rounds: number;
  /** Both kinds of messages over the one connection of Bulk. */
  readonly shared: boolean;
}

interface Outcome {
  readonly gigabytesPerSecond: number;
  readonly idleMs: readonly number[];
  readonly busyMs: readonly number[];
  readonly elections: number;
}

type Mode = 'one a plane' | 'shared';

export async function benchPlanes({ rounds, shared }: PlanesOptions): Promise<void> {
  const modes: readonly Mode[] = shared ? ['shared'] : ['one a plane', 'shared'];
  say(`1 GiB over Bulk beside heartbeats every ${heartbeatEveryMs} ms, median of ${rounds} rounds`);
  say('| connections | GB/s | idle p50, p99 ms | meanwhile p50, p99 ms | longest ms | elections |');
  say('|---|---|---|---|---|---|');
  const results = new Map<Mode, Outcome[]>(modes.map((mode) => [mode, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [mode, list] of results) list.push(await transfer(mode === 'shared'));
  }
  for (const [mode, list] of results) say(lineOf(mode, list));
  const [separate, together] = modes.map((mode) => results.get(mode) ?? []);
  if (separate !== undefined && together !== undefined) say(comparison(separate, together));
}

function lineOf(mode: Mode, list: readonly Outcome[]): string {
  const middle = (pick: (outcome: Outcome) => number): string => median(list.map(pick)).toFixed(2);
  const idle = [0.5, 0.99].map((part) => middle(({ idleMs }) => quantile(idleMs, part)));
  const busy = [0.5, 0.99].map((part) => middle(({ busyMs }) => quantile(busyMs, part)));
  const longest = Math.max(...list.flatMap(({ busyMs }) => busyMs)).toFixed(0);
  const elections = list.reduce((sum, outcome) => sum + outcome.elections, 0);
  const speed = middle(({ gigabytesPerSecond }) => gigabytesPerSecond);
  const cells = [mode, speed, idle.join(', '), busy.join(', '), longest, elections];
  return `| ${cells.join(' | ')} |`;
}

/** Of rounds that followed one another, as the machine's other load comes and goes. */
function comparison(separate: readonly Outcome[], together: readonly Outcome[]): string {
  const times = (part: number): string => {
    const ratios = together.map(
      ({ busyMs }, round) => quantile(busyMs, part) / quantile(separate[round]?.busyMs ?? [], part),
    );
    const [least, most] = [Math.min(...ratios), Math.max(...ratios)];
    return `${median(ratios).toFixed(1)} (${least.toFixed(1)}..${most.toFixed(1)})`;
  };
  return `over one shared connection: p50 ${times(0.5)} times as long, p99 ${times(0.99)}`;
}

async function transfer(shared: boolean): Promise<Outcome> {
  const server = await ServerProcess.start(['take-planes']);
  const env = createProductEnv();
  const connect = (plane: Plane): Channel => env.network.connect(server.address, { plane });
  const bulk = connect('bulk');
  const heart = await Heart.open(shared ? bulk : connect('control'));
  await heart.beatFor(idleMs);
  const idle = heart.take();
  const startedMs = performance.now();
  const sending = sendAll(bulk).finally(() => heart.stop());
  await Promise.all([sending, heart.beatFor(Number.POSITIVE_INFINITY)]);
  const passedMs = performance.now() - startedMs;
  const taken = await server.ask<number>('bulkBytes');
  if (taken !== totalBytes) throw new Error(`${taken} bytes arrived`);
  const elections = await server.ask<number>('elections');
  await env.close();
  await server.stop();
  const gigabytesPerSecond = totalBytes / passedMs / 1e6;
  return { gigabytesPerSecond, idleMs: idle, busyMs: heart.take(), elections };
}

/** Sends heartbeats, each with a number of its own, and notes how long their answers take. */
class Heart {
  readonly #stream: MessageStream;
  readonly #sentAtMs: Map<number, number> = new Map();
  #tookMs: number[] = [];
  #token = 0;
  #stopped = false;
  #failure: Failure | undefined;

  private constructor(channel: Channel) {
    this.#stream = channel.openStream(methodOfPlane('control'), {
      onMessage: (message) => this.#onAnswer(message),
      onClose: (failure) => {
        this.#failure = failure;
      },
    });
  }

  /** Control gives up soon, and its channel allows more time with each attempt: as members do. */
  static async open(channel: Channel): Promise<Heart> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const heart = new Heart(channel);
      heart.#beat();
      while (heart.#sentAtMs.size > 0 && heart.#failure === undefined) await pause(1);
      heart.take();
      if (heart.#failure === undefined) return heart;
    }
    throw new Error(`no heartbeat was answered in ${attemptsMax} attempts`);
  }

  async beatFor(durationMs: number): Promise<void> {
    const untilMs = performance.now() + durationMs;
    while (!this.#stopped && performance.now() < untilMs) {
      this.#beat();
      await pause(heartbeatEveryMs);
    }
    while (this.#sentAtMs.size > 0) {
      if (this.#failure !== undefined) throw new Error(this.#failure.message);
      await pause(1);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  take(): readonly number[] {
    const tookMs = this.#tookMs;
    this.#tookMs = [];
    return tookMs;
  }

  #beat(): void {
    this.#token += 1;
    this.#sentAtMs.set(this.#token, performance.now());
    const token = this.#token;
    const goal = { recoverRun: 0, recoverTo: 0 };
    const heartbeat = { term: 1, leaderCommit: 0, token, stickinessMs: 1_000, ...goal };
    this.#stream.send(encodePeerFrame('control', { type: 'heartbeatRequest', ...heartbeat }));
  }

  #onAnswer(message: Uint8Array): void {
    const frame = decodePeerFrame('control', message);
    if (frame.type !== 'heartbeatResponse') throw new Error(`a ${frame.type}`);
    const sentAtMs = this.#sentAtMs.get(frame.token) as number;
    this.#sentAtMs.delete(frame.token);
    this.#tookMs.push(performance.now() - sentAtMs);
  }
}

/** As fast as the other side takes it; resolves when that one has all of it. */
function sendAll(channel: Channel): Promise<void> {
  const message = new Uint8Array(messageBytes).fill(7);
  let leftBytes = totalBytes;
  return new Promise((resolve, reject) => {
    const stream = channel.openStream(methodOfPlane('bulk'), {
      onMessage: () => undefined,
      onDrain: () => sendSome(),
      onClose: (failure) =>
        failure === undefined ? resolve() : reject(new Error(failure.message)),
    });
    const sendSome = (): void => {
      while (leftBytes > 0) {
        leftBytes -= messageBytes;
        if (!stream.send(message)) break;
      }
      if (leftBytes === 0) stream.end();
    };
    sendSome();
  });
}
