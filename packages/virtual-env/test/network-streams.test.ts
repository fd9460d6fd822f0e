import type {
  Failure,
  IncomingStream,
  MessageStream,
  Service,
  StreamHandler,
  StreamOptions,
} from '@d-engine/base';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { VirtualHost, WorldOverrides } from '../src/index.ts';
import { drawOptions, VirtualWorld } from '../src/index.ts';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const shown = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Writes down all that a stream brings. */
class Recorder implements StreamHandler {
  readonly lines: string[] = [];
  readonly #world: VirtualWorld;
  closedAtMs: number | undefined;
  drains = 0;

  constructor(of: VirtualWorld) {
    this.#world = of;
  }

  onMessage(message: Uint8Array): void {
    this.lines.push(shown(message));
  }

  onDrain(): void {
    this.drains += 1;
  }

  onClose(failure: Failure | undefined): void {
    this.closedAtMs = this.#world.nowMs;
    this.lines.push(`closed: ${failure?.status ?? 'ok'}`);
  }
}

let world: VirtualWorld;
let client: VirtualHost;
let server: VirtualHost;
let there: Recorder;
let incoming: IncomingStream | undefined;

async function start(overrides: WorldOverrides = {}, seed = 1): Promise<void> {
  world = new VirtualWorld({ ...overrides, seed });
  client = world.host('c');
  server = world.host('s');
  there = new Recorder(world);
  incoming = undefined;
  await world.complete(server.env.network.listen('s:9081', recording));
}

const recording: Service = {
  onCall: (call) => call.fail({ status: 'unimplemented', message: 'streams only' }),
  onStream: (stream) => {
    incoming = stream;
    if (stream.method === 'test/Refused') return { status: 'permissionDenied', message: 'no' };
    return there;
  },
};

function open(
  handler: StreamHandler,
  method = 'test/Talk',
  options?: StreamOptions,
): MessageStream {
  return client.env.network.connect('s:9081').openStream(method, handler, options);
}

beforeEach(() => start());

it('a reset breaks the connections between two hosts, and no other', async () => {
  const here = new Recorder(world);
  open(here);
  const other = new Recorder(world);
  world.host('c2').env.network.connect('s:9081').openStream('test/Talk', other);
  await world.run({ forMs: 100 });
  world.reset('s', 'c');
  await world.run({ forMs: 100 });
  expect(here.lines).toEqual(['closed: unavailable']);
  expect(other.lines).toEqual([]);
  expect(world.countOf('reset')).toBe(1);
});

describe('a stream', () => {
  it('carries messages both ways in order and ends when both sides ended', async () => {
    const here = new Recorder(world);
    const stream = open(here, 'test/Talk', { metadata: { plane: 'data' } });
    for (const message of ['1', '2', '3']) stream.send(text(message));
    await world.run({ forMs: 100 });
    expect(there.lines).toEqual(['1', '2', '3']);
    expect(incoming).toMatchObject({ metadata: { plane: 'data' }, localHost: 's' });
    stream.end();
    expect(stream.send(text('after the end'))).toBe(false);
    await world.run({ forMs: 100 });
    expect(there.lines).toEqual(['1', '2', '3']);
    incoming?.send(text('still going'));
    incoming?.end();
    await world.run({ forMs: 100 });
    expect(here.lines).toEqual(['still going', 'closed: ok']);
    expect(there.lines).toEqual(['1', '2', '3', 'closed: ok']);
  });

  it('tells its handler nothing before the opening call has returned', async () => {
    const here = new Recorder(world);
    const stream = open(here);
    stream.reset({ status: 'aborted', message: 'never mind' });
    expect(here.lines).toEqual([]);
    await world.run({ forMs: 100 });
    expect(here.lines).toEqual(['closed: aborted']);
  });

  it('is refused by the service with its failure', async () => {
    const here = new Recorder(world);
    open(here, 'test/Refused');
    await world.run({ forMs: 100 });
    expect(here.lines).toEqual(['closed: permissionDenied']);
    expect(there.lines).toEqual([]);
  });

  it('brings a reset to both sides, once, and nothing after it', async () => {
    const here = new Recorder(world);
    const stream = open(here);
    stream.send(text('1'));
    await world.run({ forMs: 100 });
    incoming?.reset({ status: 'resourceExhausted', message: 'too much' });
    incoming?.reset({ status: 'aborted', message: 'again' });
    stream.send(text('2'));
    await world.run({ forMs: 100 });
    expect(stream.send(text('3'))).toBe(false);
    expect(here.lines).toEqual(['closed: resourceExhausted']);
    expect(there.lines).toEqual(['1', 'closed: resourceExhausted']);
  });

  it('closes with unavailable if nobody listens, with cancelled on a closed channel', async () => {
    const lost = new Recorder(world);
    client.env.network.connect('s:1').openStream('test/Talk', lost);
    const channel = client.env.network.connect('s:9081');
    const cancelled = new Recorder(world);
    channel.openStream('test/Talk', cancelled);
    await world.run({ forMs: 50 });
    channel.close();
    const late = new Recorder(world);
    channel.openStream('test/Talk', late);
    await world.run({ forMs: 50 });
    expect(lost.lines).toEqual(['closed: unavailable']);
    expect(cancelled.lines).toEqual(['closed: cancelled']);
    expect(there.lines).toEqual(['closed: cancelled']);
    expect(late.lines).toEqual(['closed: cancelled']);
  });

  it('is reset when the other host crashes, after the latency', async () => {
    const here = new Recorder(world);
    open(here);
    await world.run({ forMs: 100 });
    server.crash();
    await world.run({ forMs: 100 });
    expect(here.lines).toEqual(['closed: unavailable']);
    expect(here.closedAtMs).toBeGreaterThan(100);
    expect(here.closedAtMs).toBeLessThan(102);
    expect(there.lines).toEqual([]);
  });

  it('is reset late when the other machine lost power, unless it comes back', async () => {
    const here = new Recorder(world);
    open(here);
    await world.run({ forMs: 100 });
    server.crash({ powerLoss: true });
    await world.run({ forMs: 5 });
    expect(here.lines).toEqual([]);
    server.restart();
    await world.run({ forMs: 5 });
    expect(here.lines).toEqual(['closed: unavailable']);
  });

  it('breaks now and then when told to', async () => {
    await start({ network: { resetProbability: 0.1 } });
    const here = new Recorder(world);
    const stream = open(here);
    for (let number = 0; number < 200; number++) {
      world.after(number, () => stream.send(text(`${number}`)));
    }
    await world.run({ forMs: 1_000 });
    expect(here.lines).toEqual(['closed: unavailable']);
    expect(there.lines.at(-1)).toBe('closed: unavailable');
    expect(there.lines.length).toBeLessThan(150);
  });
});

describe('back-pressure', () => {
  it('refuses over the window, and calls when the receiver caught up', async () => {
    await start({ network: { streamWindowBytes: 1_000 } });
    const here = new Recorder(world);
    const stream = open(here);
    const message = new Uint8Array(295).fill(97);
    expect([1, 2, 3, 4, 5].map(() => stream.send(message))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(here.drains).toBe(0);
    await world.run({ forMs: 100 });
    expect(here.drains).toBe(1);
    expect(there.lines).toHaveLength(5);
    expect(stream.send(message)).toBe(true);
    await world.run({ forMs: 100 });
    expect(here.drains).toBe(1);
  });

  it('holds back while the receiver pauses, and loses nothing', async () => {
    await start({ network: { streamWindowBytes: 1_000 } });
    const here = new Recorder(world);
    const stream = open(here);
    stream.send(text('first'));
    await world.run({ forMs: 100 });
    incoming?.pause();
    const sent = Array.from({ length: 30 }, (_, number) => `${number}`.padStart(100, ' '));
    const results = sent.map((message) => stream.send(text(message)));
    await world.run({ forMs: 1_000 });
    expect(results.filter((result) => result)).toHaveLength(9);
    expect(there.lines).toEqual(['first']);
    expect(here.drains).toBe(0);
    incoming?.resume();
    incoming?.pause();
    await world.run({ forMs: 100 });
    expect(there.lines).toEqual(['first']);
    incoming?.resume();
    await world.run({ forMs: 100 });
    expect(there.lines).toEqual(['first', ...sent]);
    expect(here.drains).toBe(1);
  });

  it('stops in the middle when the receiver pauses in its handler', async () => {
    const stream = open(new Recorder(world));
    const original = there.onMessage.bind(there);
    there.onMessage = (message): void => {
      original(message);
      incoming?.pause();
    };
    for (const message of ['1', '2', '3']) stream.send(text(message));
    await world.run({ forMs: 100 });
    expect(there.lines).toEqual(['1']);
    incoming?.resume();
    await world.run({ forMs: 100 });
    expect(there.lines).toEqual(['1', '2']);
  });
});

describe('a cut link', () => {
  it('holds a stream up, and gives back what was sent when healed in time', async () => {
    const here = new Recorder(world);
    const stream = open(here);
    await world.run({ forMs: 100 });
    world.cut('c', 's', 'both');
    for (const message of ['1', '2', '3']) stream.send(text(message));
    incoming?.send(text('back'));
    await world.run({ forMs: 1_000 });
    expect([...here.lines, ...there.lines]).toEqual([]);
    world.heal('c', 's');
    stream.send(text('4'));
    await world.run({ forMs: 10_000 });
    expect(there.lines).toEqual(['1', '2', '3', '4']);
    expect(here.lines).toEqual(['back']);
  });

  it('resets the stream on both sides after a while, with the loss of what was sent', async () => {
    const here = new Recorder(world);
    const stream = open(here);
    await world.run({ forMs: 100 });
    world.partition([['c'], ['s']]);
    stream.send(text('lost'));
    await world.run({ forMs: 10_000 });
    expect(here.lines).toEqual(['closed: unavailable']);
    expect(there.lines).toEqual(['closed: unavailable']);
    for (const recorder of [here, there]) {
      expect(recorder.closedAtMs).toBeGreaterThanOrEqual(2_100);
      expect(recorder.closedAtMs).toBeLessThanOrEqual(6_100);
    }
    world.heal();
    await world.run({ forMs: 1_000 });
    expect(there.lines).toEqual(['closed: unavailable']);
  });

  it('starts the wait anew when it was healed in between', async () => {
    const here = new Recorder(world);
    open(here);
    await world.run({ forMs: 100 });
    for (let round = 0; round < 10; round++) {
      world.cut('c', 's', 'both');
      await world.run({ forMs: 1_950 });
      world.heal();
      await world.run({ forMs: 10 });
    }
    expect([...here.lines, ...there.lines]).toEqual([]);
  });

  it('one way lets the other way through, until the silence is noticed', async () => {
    const here = new Recorder(world);
    const stream = open(here);
    await world.run({ forMs: 100 });
    world.cut('s', 'c');
    stream.send(text('heard'));
    incoming?.send(text('not heard'));
    await world.run({ forMs: 1_000 });
    expect(there.lines).toEqual(['heard']);
    expect(here.lines).toEqual([]);
    await world.run({ forMs: 10_000 });
    expect(here.lines).toEqual(['closed: unavailable']);
    expect(there.lines).toEqual(['heard', 'closed: unavailable']);
  });

  it('leaves hosts alone that are in no group', async () => {
    world.host('other');
    world.partition([['c'], ['other']]);
    const stream = open(new Recorder(world));
    stream.send(text('1'));
    await world.run({ forMs: 10_000 });
    expect(there.lines).toEqual(['1']);
  });

  it('is what a sleeping machine looks like from outside', async () => {
    const here = new Recorder(world);
    open(here);
    await world.run({ forMs: 100 });
    server.suspend(10_000);
    await world.run({ forMs: 9_000 });
    expect(here.lines).toEqual(['closed: unavailable']);
    expect(there.lines).toEqual([]);
    await world.run({ forMs: 2_000 });
    expect(there.lines).toEqual(['closed: unavailable']);
  });
});

describe('the order of a stream', () => {
  const act = fc.oneof(
    { weight: 8, arbitrary: fc.constant('send' as const) },
    { weight: 1, arbitrary: fc.constantFrom('pause', 'resume', 'cut', 'heal', 'stall', 'end') },
  );

  it('is kept, without gaps, whatever happens; and without a reset all arrives', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.array(act, { maxLength: 60 }), async (seed, acts) => {
        const { network, ...options } = drawOptions(seed);
        await start({ ...options, network: { ...network, streamWindowBytes: 100 } }, seed);
        const here = new Recorder(world);
        const stream = open(here);
        const sent: string[] = [];
        let ended = false;
        for (const [number, each] of acts.entries()) {
          if (each === 'send') {
            stream.send(text(`${number}`));
            if (!ended) sent.push(`${number}`);
          } else if (each === 'pause') incoming?.pause();
          else if (each === 'resume') incoming?.resume();
          else if (each === 'cut') world.cut('c', 's');
          else if (each === 'heal') world.heal();
          else if (each === 'stall') server.stall(30);
          else {
            stream.end();
            ended = true;
          }
          await world.run({ forMs: 5 });
          if (here.closedAtMs !== undefined) break;
        }
        world.heal();
        incoming?.resume();
        await world.run({ forMs: 60_000 });
        const arrived = there.lines.filter((line) => !line.startsWith('closed'));
        expect(arrived).toEqual(sent.slice(0, arrived.length));
        expect(here.closedAtMs !== undefined || arrived.length === sent.length).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it('is lost only for streams that the options name', async () => {
    const unreliableStreams = {
      methodPrefix: 'peer/',
      lossProbability: 0.1,
      duplicateProbability: 0.1,
      reorderProbability: 0.2,
    };
    const network = { unreliableStreams, latencyMs: { min: 1, max: 20 } };
    const sent = Array.from({ length: 300 }, (_, number) => `${number}`);
    const lines = new Map<string, readonly string[]>();
    for (const method of ['peer/Data', 'client/Watch']) {
      await start({ network });
      const stream = open(new Recorder(world), method);
      for (const [number, message] of sent.entries()) {
        world.after(100 + number, () => stream.send(text(message)));
      }
      await world.run({ forMs: 5_000 });
      lines.set(method, there.lines);
    }
    expect(lines.get('client/Watch')).toEqual(sent);
    const arrived = lines.get('peer/Data') ?? [];
    expect(arrived).not.toEqual([...arrived].sort((one, other) => Number(one) - Number(other)));
    const missing = sent.filter((message) => !arrived.includes(message)).length;
    expect(missing).toBeGreaterThan(10);
    expect(missing).toBeLessThan(60);
    expect(arrived.length - new Set(arrived).size).toBeGreaterThan(10);
  });

  it('is safe, and its connection too, once mishaps have ended', async () => {
    const unreliableStreams = {
      methodPrefix: 'peer/',
      lossProbability: 0.5,
      duplicateProbability: 0.5,
      reorderProbability: 0.5,
    };
    const sent = Array.from({ length: 300 }, (_, number) => `${number}`);
    await start({ network: { unreliableStreams } });
    const stream = open(new Recorder(world), 'peer/Data');
    const say = async (): Promise<readonly string[]> => {
      const before = there.lines.length;
      for (const message of sent) stream.send(text(message));
      await world.run({ forMs: 1_000 });
      return there.lines.slice(before);
    };
    expect(await say()).not.toEqual(sent);
    world.endMishaps();
    expect(await say()).toEqual(sent);
    await start({ network: { resetProbability: 1 } });
    world.endMishaps();
    const here = new Recorder(world);
    open(here).send(text('whole'));
    await world.run({ forMs: 1_000 });
    expect(there.lines).toEqual(['whole']);
    expect(here.lines).toEqual([]);
  });
});
