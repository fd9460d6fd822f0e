import type { ByteStream, ByteStreamHandler } from '@d-engine/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scaled } from '../../../tools/test-scale.ts';
import type { DrainMode, VirtualHost } from '../src/index.ts';
import { defaultWorldOptions, drawOptions, formatTraceEvent, VirtualWorld } from '../src/index.ts';
import type { BytePair } from './byte-kit.ts';
import { type ByteRecorder, counted, openPair } from './byte-kit.ts';
import { startChaos } from './chaos.ts';

type Side = 'here' | 'there';

/** What happens to a pair of streams, a step at a time. */
type Step =
  | { readonly do: 'write'; readonly side: Side; readonly length: number }
  | { readonly do: 'pause' | 'resume' | 'end'; readonly side: Side }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'stall' | 'clog'; readonly side: Side; readonly ms: number }
  | { readonly do: 'cut' | 'heal'; readonly side: Side }
  | { readonly do: 'destroy' | 'crash' | 'powerLoss'; readonly side: Side }
  | { readonly do: 'reset' };

const side = fc.constantFrom<Side>('here', 'there');
const length = fc.oneof(
  fc.integer({ min: 0, max: 50 }),
  fc.integer({ min: 0, max: 5_000 }),
  fc.integer({ min: 0, max: 200_000 }),
);
const ms = fc.double({ min: 0, max: 100, noNaN: true });
const harmless: fc.Arbitrary<Step>[] = [
  fc.record({ do: fc.constant('write'), side, length }),
  fc.record({ do: fc.constant('write'), side, length }),
  fc.record({ do: fc.constantFrom('pause', 'resume', 'resume'), side }),
  fc.record({ do: fc.constant('wait'), ms }),
  fc.record({ do: fc.constantFrom('stall', 'clog'), side, ms }),
  fc.record({ do: fc.constantFrom('cut', 'heal', 'heal'), side }),
];
const deadly: fc.Arbitrary<Step>[] = [
  ...harmless,
  fc.record({ do: fc.constant('end'), side }),
  fc.record({ do: fc.constantFrom('destroy', 'crash', 'powerLoss'), side }),
  fc.record({ do: fc.constant('reset') }),
];

interface Written {
  here: number;
  there: number;
}

async function perform(pair: BytePair, step: Step, written: Written): Promise<void> {
  const { world } = pair;
  if (step.do === 'wait') {
    await world.run({ forMs: step.ms });
    return;
  }
  if (step.do === 'reset') {
    world.reset(pair.client, pair.server);
    return;
  }
  const isHere = step.side === 'here';
  const stream = isHere ? pair.stream : pair.accepted;
  const [host, other] = isHere ? [pair.client, pair.server] : [pair.server, pair.client];
  switch (step.do) {
    case 'write':
      stream.write(counted(step.length, written[step.side]));
      written[step.side] += step.length;
      return;
    case 'pause':
    case 'resume':
    case 'end':
    case 'destroy':
      stream[step.do]();
      return;
    case 'stall':
      host.stall(step.ms);
      return;
    case 'clog':
      world.clog(host, other, { min: 0, max: step.ms });
      return;
    case 'cut':
      world.cut(host, other);
      return;
    case 'heal':
      world.heal(host, other, 'one');
      return;
    case 'crash':
    case 'powerLoss':
      if (host.alive) host.crash({ powerLoss: step.do === 'powerLoss' });
  }
}

it('a crash after a destroyed stream leaves nobody waiting for room', async () => {
  const { world, server, stream, accepted, here } = await openPair({
    network: { byteStreams: { ...defaultWorldOptions.network.byteStreams, windowBytes: 10_000 } },
  });
  stream.write(counted(20_000));
  accepted.destroy();
  server.crash();
  stream.end();
  await world.run({ forMs: 100 });
  expect(here.events.at(-1)).toBe('lost');
});

/** No resets by chance, and links that stay cut for the whole of a test are not given up. */
function patientOptions(seed: number): ReturnType<typeof drawOptions> {
  const options = drawOptions(seed);
  const resetAfterMs = { min: 50_000, max: 60_000 };
  return { ...options, network: { ...options.network, resetProbability: 0, resetAfterMs } };
}

describe('whatever is written', () => {
  it('arrives whole, in order and once, if nothing breaks the stream', async () => {
    const run = async (seed: number, steps: readonly Step[]): Promise<void> => {
      const pair = await openPair(patientOptions(seed), seed);
      const written = { here: 0, there: 0 };
      for (const step of steps) await perform(pair, step, written);
      const { world, stream, accepted, here, there } = pair;
      world.heal();
      world.unclog();
      for (const each of [stream, accepted]) {
        each.resume();
        each.end();
      }
      const over = (): boolean => here.closed && there.closed;
      expect(await world.run({ until: over, limitMs: 40_000 })).toBe(true);
      expect(Buffer.compare(there.bytes, counted(written.here))).toBe(0);
      expect(Buffer.compare(here.bytes, counted(written.there))).toBe(0);
      expect(here.events).toEqual(['open', 'end', 'closed']);
      expect(there.events).toEqual(['end', 'closed']);
    };
    const steps = fc.array(fc.oneof(...harmless), { maxLength: 40 });
    await fc.assert(fc.asyncProperty(fc.nat(), steps, run), {
      numRuns: scaled({ gate: 100, long: 5_000 }),
    });
  });

  it('arrives up to some point and in order if the stream breaks; both sides hear', async () => {
    const outcomes = { good: 0, lost: 0 };
    const run = async (seed: number, steps: readonly Step[]): Promise<void> => {
      const pair = await openPair(drawOptions(seed), seed);
      const written = { here: 0, there: 0 };
      for (const step of steps) await perform(pair, step, written);
      const { world, stream, accepted, here, there, client, server } = pair;
      world.heal();
      world.unclog();
      for (const each of [stream, accepted]) {
        each.resume();
        each.end();
      }
      await world.run({ forMs: 100_000 });
      for (const [host, handler] of [
        [client, here],
        [server, there],
      ] as const) {
        if (host.alive) expect(handler.closed, handler.events.join()).toBe(true);
      }
      expectPrefix(there, written.here);
      expectPrefix(here, written.there);
      outcomes[here.error === undefined && there.error === undefined ? 'good' : 'lost'] += 1;
    };
    const steps = fc.array(fc.oneof(...deadly), { maxLength: 20 });
    await fc.assert(fc.asyncProperty(fc.nat(), steps, run), {
      numRuns: scaled({ gate: 100, long: 5_000 }),
    });
    expect(outcomes.good).toBeGreaterThan(5);
    expect(outcomes.lost).toBeGreaterThan(20);
  });
});

function expectPrefix(handler: ByteRecorder, writtenBytes: number): void {
  const { bytes } = handler;
  expect(bytes.length).toBeLessThanOrEqual(writtenBytes);
  expect(Buffer.compare(bytes, counted(bytes.length))).toBe(0);
}

// ---- determinism ----

interface Run {
  readonly fingerprint: string;
  readonly lines: readonly string[];
  readonly receivedBytes: number;
}

/** Three hosts that send one another bytes and echo them, while everything goes wrong. */
async function runEcho(seed: number, drain: DrainMode = 'tick'): Promise<Run> {
  const world = new VirtualWorld({ ...drawOptions(seed), drain, seed });
  const names = ['n1', 'n2', 'n3'];
  const counts = { receivedBytes: 0 };
  const boot = (host: VirtualHost): void => {
    host.byteNetwork.listen(`${host.name}:1`, echo).catch((error: unknown) => {
      world.note(host, String(error));
    });
    for (const name of names) if (name !== host.name) talk(host, name, counts);
  };
  const lines: string[] = [];
  world.trace((event) => lines.push(formatTraceEvent(event)));
  for (const name of names) boot(world.host(name));
  startChaos(world, world.hosts, boot);
  await world.run({ untilMs: 3_000 });
  return { fingerprint: world.fingerprint(), lines, ...counts };
}

function echo(stream: ByteStream): ByteStreamHandler {
  return {
    onBytes: (bytes) => {
      if (!stream.write(Uint8Array.from(bytes))) stream.pause();
    },
    onDrain: () => stream.resume(),
    onEnd: () => stream.end(),
    onClose: () => undefined,
  };
}

function talk(host: VirtualHost, peer: string, counts: { receivedBytes: number }): void {
  const { clock, random } = host.env;
  const network = host.byteNetwork;
  const begin = (): void => {
    let open = true;
    const stream = network.connect(`${peer}:1`, {
      onBytes: (bytes) => {
        counts.receivedBytes += bytes.length;
      },
      onEnd: () => stream.end(),
      onClose: () => {
        open = false;
        clock.setTimer(50, begin);
      },
    });
    const again = (): void => {
      if (!open) return;
      stream.write(random.bytes(Math.floor(random.float() * 500)));
      if (random.float() < 0.01) stream.destroy();
      clock.setTimer(10, again);
    };
    again();
  };
  begin();
}

describe('a world with streams of bytes', () => {
  it('goes the same way twice from one seed, line by line, whatever goes wrong', async () => {
    const seeds = scaled({ gate: 5, long: 100 });
    const fingerprints = new Set<string>();
    for (let seed = 1; seed <= seeds; seed++) {
      const first = await runEcho(seed);
      const second = await runEcho(seed);
      expect(first.receivedBytes).toBeGreaterThan(10_000);
      // Not the whole lists at once: to compare those takes longer than to make them.
      const differing = first.lines.findIndex((line, index) => line !== second.lines[index]);
      expect(second.lines[differing]).toBe(first.lines[differing]);
      expect(second.lines.length).toBe(first.lines.length);
      expect(second.fingerprint).toBe(first.fingerprint);
      fingerprints.add(first.fingerprint);
    }
    expect(fingerprints.size).toBe(seeds);
  });

  it('goes the same way beside others in one process, and however promises settle', async () => {
    const alone = await runEcho(1);
    const [beside, byMacrotask] = await Promise.all([runEcho(1), runEcho(1, 'macrotask')]);
    expect(beside.fingerprint).toBe(alone.fingerprint);
    expect(byMacrotask.fingerprint).toBe(alone.fingerprint);
  });

  it('shows in its fingerprint what the bytes are', async () => {
    const run = async (content: number): Promise<string> => {
      const { world, stream } = await openPair();
      stream.write(new Uint8Array(100).fill(content));
      await world.run({ forMs: 100 });
      return world.fingerprint();
    };
    expect(await run(1)).toBe(await run(1));
    expect(await run(2)).not.toBe(await run(1));
  });
});
