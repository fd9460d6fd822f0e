import type { CallOptions, Env, IncomingCall, Service } from '@d-engine/base';
import { StatusError } from '@d-engine/base';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { VirtualHost, WorldOverrides } from '../src/index.ts';
import { drawOptions, VirtualWorld } from '../src/index.ts';
import { startChaos } from './chaos.ts';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const shown = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const patient: CallOptions = { deadlineMs: 60_000 };
const rethrow = (error: unknown): never => {
  throw error;
};
const noStreams = (): never => {
  throw new Error('no streams here');
};

let world: VirtualWorld;
let client: VirtualHost;
let server: VirtualHost;
let received: IncomingCall[];

function start(overrides: WorldOverrides = {}): void {
  world = new VirtualWorld({ ...overrides, seed: 1 });
  client = world.host('c');
  server = world.host('s');
  received = [];
}

/** Answers with the request, unless told to wait. */
const echo: Service = {
  onCall: (call) => {
    received.push(call);
    if (call.method !== 'test/Wait') call.reply(call.request, { seen: 'yes' });
  },
  onStream: noStreams,
};

async function failureOf(promise: Promise<unknown>): Promise<string> {
  const error = await world.complete(promise, 120_000).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof StatusError)) return `no StatusError: ${String(error)}`;
  return `${error.status}, ${error.mayHaveBeenSent ? 'may have been sent' : 'not sent'}`;
}

beforeEach(() => start());

describe('a listener', () => {
  it('tells its port, and owns it', async () => {
    const { network } = server.env;
    const listener = await world.complete(network.listen('s:0', echo));
    expect(listener.address).toMatch(/^s:\d+$/);
    const second = await world.complete(network.listen('0.0.0.0:0', echo));
    expect(second.address).not.toBe(listener.address);
    const taken = network.listen(listener.address, echo);
    expect(await failureOf(taken)).toBe('unavailable, not sent');
    expect(await failureOf(network.listen('elsewhere:1', echo))).toBe('unavailable, not sent');
    await world.complete(listener.close(0));
    await world.complete(network.listen(listener.address, echo));
  });

  it('on a loopback address serves its own host alone', async () => {
    await world.complete(server.env.network.listen('127.0.0.1:9081', echo));
    const far = client.env.network.connect('s:9081');
    expect(await failureOf(far.call('test/Echo', text('a'), patient))).toMatch(/^unavailable, not/);
    const near = server.env.network.connect('localhost:9081');
    const answer = await world.complete(near.call('test/Echo', text('a'), patient));
    expect(shown(answer.message)).toBe('a');
  });

  it('is reached by each name of its host', async () => {
    const host = world.host('named', { aliases: ['10.0.0.7', '::7'] });
    await world.complete(host.env.network.listen('[::]:9081', echo));
    for (const address of ['named:9081', '10.0.0.7:9081', '[::7]:9081']) {
      const channel = client.env.network.connect(address);
      await world.complete(channel.call('test/Echo', text('a'), patient));
    }
    expect(received.map((call) => call.localHost)).toEqual(['named', '10.0.0.7', '::7']);
  });

  it('closing waits for what is open, then resets it', async () => {
    const listener = await world.complete(server.env.network.listen('s:9081', echo));
    const channel = client.env.network.connect('s:9081');
    const slow = channel.call('test/Wait', text('slow'), patient);
    const never = channel.call('test/Wait', text('never'), patient);
    await world.run({ forMs: 50 });
    const closed = listener.close(200);
    expect(listener.close(0)).toBe(closed);
    world.after(100, () => received[0]?.reply(text('at last')));
    expect(shown((await world.complete(slow)).message)).toBe('at last');
    const late = channel.call('test/Echo', text('late'), patient);
    expect(await failureOf(late)).toMatch(/^unavailable/);
    expect(await failureOf(never)).toBe('unavailable, may have been sent');
    await world.complete(closed);
    expect(world.nowMs).toBeLessThan(300);
  });

  it('closing is done at once when nothing is open, and answers on their way arrive', async () => {
    const listener = await world.complete(server.env.network.listen('s:9081', echo));
    const channel = client.env.network.connect('s:9081');
    const call = channel.call('test/Wait', text('a'), patient);
    await world.run({ forMs: 50 });
    received[0]?.reply(text('b'));
    const closeStartMs = world.nowMs;
    await world.complete(listener.close(10_000));
    expect(world.nowMs - closeStartMs).toBeLessThan(5);
    expect(shown((await world.complete(call)).message)).toBe('b');
  });
});

describe('a call', () => {
  it('carries request, metadata and deadline there, answer and metadata back', async () => {
    await world.complete(server.env.network.listen('s:9081', echo));
    const channel = client.env.network.connect('s:9081');
    const options = { deadlineMs: 500, metadata: { who: 'me' } };
    const answer = await world.complete(channel.call('test/Echo', text('hello'), options));
    expect(shown(answer.message)).toBe('hello');
    expect(answer.metadata).toEqual({ seen: 'yes' });
    expect(received[0]).toMatchObject({ method: 'test/Echo', metadata: { who: 'me' } });
    expect(received[0]?.deadlineMs).toBeGreaterThan(490);
    expect(received[0]?.deadlineMs).toBeLessThan(500);
  });

  it('brings the failure that the service names', async () => {
    const failing: Service = {
      onCall: (call) => call.fail({ status: 'notFound', message: 'no', metadata: { key: 'k' } }),
      onStream: noStreams,
    };
    await world.complete(server.env.network.listen('s:9081', failing));
    const call = client.env.network.connect('s:9081').call('test/Get', text(''), patient);
    await expect(world.complete(call)).rejects.toMatchObject({
      status: 'notFound',
      message: 'no',
      metadata: { key: 'k' },
      mayHaveBeenSent: true,
    });
  });

  it('is answered once', async () => {
    let second: unknown;
    const twice: Service = {
      onCall: (call) => {
        call.reply(text('1'));
        try {
          call.reply(text('2'));
        } catch (error) {
          second = error;
        }
      },
      onStream: noStreams,
    };
    await world.complete(server.env.network.listen('s:9081', twice));
    const call = client.env.network.connect('s:9081').call('test/Get', text(''), patient);
    expect(shown((await world.complete(call)).message)).toBe('1');
    expect(String(second)).toContain('answered twice');
  });

  it.each(['dead host', 'no listener', 'unknown host'])('to %s was not sent', async (kind) => {
    if (kind === 'dead host') server.crash();
    const address = kind === 'unknown host' ? 'nobody:1' : 's:9081';
    const call = client.env.network.connect(address).call('test/Echo', text('a'), patient);
    expect(await failureOf(call)).toBe('unavailable, not sent');
    expect(world.nowMs).toBeLessThan(10);
  });

  it('over a cut link was not sent, and gives up with the connect timeout', async () => {
    await world.complete(server.env.network.listen('s:9081', echo));
    world.partition([[client], ['s']]);
    const channel = client.env.network.connect('s:9081', { connectTimeoutMs: 700 });
    expect(await failureOf(channel.call('test/Echo', text('a'), patient))).toBe(
      'unavailable, not sent',
    );
    expect(world.nowMs).toBeCloseTo(700, -1);
    world.heal();
    await world.complete(channel.call('test/Echo', text('b'), patient));
    expect(received.map((call) => shown(call.request))).toEqual(['b']);
  });

  it.each([false, true])(
    'to a host that crashes may have been sent (power %s)',
    async (powerLoss) => {
      await world.complete(server.env.network.listen('s:9081', echo));
      const call = client.env.network.connect('s:9081').call('test/Wait', text('a'), patient);
      await world.run({ until: () => received.length === 1, limitMs: 1_000 });
      server.crash({ powerLoss });
      expect(await failureOf(call)).toBe('unavailable, may have been sent');
      expect(world.nowMs).toBeLessThan(powerLoss ? 6_100 : 10);
    },
  );

  it('ends with its deadline, sent or not', async () => {
    await world.complete(server.env.network.listen('s:9081', echo));
    const channel = client.env.network.connect('s:9081');
    const sent = channel.call('test/Wait', text('a'), { deadlineMs: 300 });
    expect(await failureOf(sent)).toBe('deadlineExceeded, may have been sent');
    expect(world.nowMs).toBeCloseTo(300, 0);
    received[0]?.reply(text('too late'));
    world.cut('c', 's', 'both');
    const other = client.env.network.connect('s:9081');
    const unsent = other.call('test/Echo', text('a'), { deadlineMs: 300 });
    expect(await failureOf(unsent)).toBe('deadlineExceeded, not sent');
  });

  it('ends with its signal, sent or not', async () => {
    await world.complete(server.env.network.listen('s:9081', echo));
    const channel = client.env.network.connect('s:9081');
    const controller = new AbortController();
    const options = { deadlineMs: 10_000, signal: controller.signal };
    const early = channel.call('test/Wait', text('a'), options);
    world.after(0, () => controller.abort());
    expect(await failureOf(early)).toBe('cancelled, not sent');
    expect(await failureOf(channel.call('test/Echo', text('b'), options))).toBe(
      'cancelled, not sent',
    );
    const second = new AbortController();
    const late = channel.call('test/Wait', text('c'), { ...options, signal: second.signal });
    world.after(50, () => second.abort());
    expect(await failureOf(late)).toBe('cancelled, may have been sent');
    expect(received.map((call) => shown(call.request))).toEqual(['c']);
  });

  it('is cancelled by closing the channel, for good', async () => {
    await world.complete(server.env.network.listen('s:9081', echo));
    const channel = client.env.network.connect('s:9081');
    const call = channel.call('test/Wait', text('a'), patient);
    world.after(20, () => channel.close());
    expect(await failureOf(call)).toBe('cancelled, may have been sent');
    expect(await failureOf(channel.call('test/Echo', text('b'), patient))).toBe(
      'cancelled, not sent',
    );
  });

  it('goes through again after the server came back', async () => {
    const serve = (env: Env): void => {
      env.network.listen('s:9081', echo).catch(rethrow);
    };
    serve(server.env);
    await world.run({ forMs: 1 });
    const channel = client.env.network.connect('s:9081');
    await world.complete(channel.call('test/Echo', text('a'), patient));
    server.crash();
    await world.run({ forMs: 10 });
    expect(await failureOf(channel.call('test/Echo', text('b'), patient))).toMatch(/not sent$/);
    serve(server.restart());
    await world.complete(channel.call('test/Echo', text('c'), patient));
    expect(received.map((call) => shown(call.request))).toEqual(['a', 'c']);
  });

  it('takes its time over a clogged link and on a slow line', async () => {
    start({ network: { latencyMs: { min: 1, max: 2 }, bytesPerMs: 1_000 } });
    await world.complete(server.env.network.listen('s:9081', echo));
    const channel = client.env.network.connect('s:9081');
    await world.complete(channel.call('test/Echo', text('a'), patient));
    let startMs = world.nowMs;
    await world.complete(channel.call('test/Echo', new Uint8Array(50_000), patient));
    expect(world.nowMs - startMs).toBeGreaterThan(100);
    world.clog('c', 's', { min: 300, max: 400 });
    startMs = world.nowMs;
    await world.complete(channel.call('test/Echo', text('a'), patient));
    expect(world.nowMs - startMs).toBeGreaterThan(300);
    world.unclog();
    startMs = world.nowMs;
    await world.complete(channel.call('test/Echo', text('a'), patient));
    expect(world.nowMs - startMs).toBeLessThan(10);
  });

  it('whose request is changed after sending is found out', async () => {
    await world.complete(server.env.network.listen('s:9081', echo));
    const request = text('abc');
    client.env.network
      .connect('s:9081')
      .call('test/Echo', request, patient)
      .catch(() => undefined);
    request[0] = 0;
    await expect(world.run({ forMs: 100 })).rejects.toThrow('changed after it was sent');
  });
});

describe('mayHaveBeenSent', () => {
  it('is false only for what no service saw; and every call ends in time', async () => {
    let unsent = 0;
    let unknown = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const result = await stormOfCalls(seed);
        unsent += result.unsent.length;
        unknown += result.unknown;
        for (const id of result.unsent) expect(result.seen).not.toContain(id);
        expect(result.overdue).toBe(0);
      }),
      { numRuns: 60 },
    );
    expect(unsent).toBeGreaterThan(50);
    expect(unknown).toBeGreaterThan(50);
  });
});

interface Storm {
  readonly seen: Set<string>;
  readonly unsent: string[];
  readonly unknown: number;
  readonly overdue: number;
}

/** Calls from a host that lives to two that do not always, while the network breaks. */
async function stormOfCalls(seed: number): Promise<Storm> {
  const options = drawOptions(seed);
  const network = { ...options.network, resetProbability: 0.01 };
  const storm = new VirtualWorld({ ...options, network, seed });
  const seen = new Set<string>();
  const unsent: string[] = [];
  let unknown = 0;
  let open = 0;
  const boot = (host: VirtualHost): void => {
    const { env } = host;
    const onCall = (call: IncomingCall): void => {
      seen.add(shown(call.request));
      env.clock.setTimer(env.random.float() * 50, () => call.reply(call.request));
    };
    const listening = env.network.listen(`${host.name}:1`, { onCall, onStream: noStreams });
    listening.catch(rethrow);
  };
  const servers = ['s1', 's2'].map((name) => storm.host(name));
  for (const host of servers) boot(host);
  const { env } = storm.host('c');
  const channels = servers.map((host) => env.network.connect(`${host.name}:1`));
  startChaos(storm, servers, boot);
  storm.after(1_000, () => storm.cut('s1', 'c'));
  storm.after(1_500, () => storm.cut('c', 's2'));
  for (let number = 0; number < 300; number++) {
    storm.after(number * 10, () => {
      open += 1;
      const id = `call ${number}`;
      const channel = channels[number % 2];
      channel?.call('test/Slow', text(id), { deadlineMs: 200 }).then(
        () => {
          open -= 1;
        },
        (error: unknown) => {
          open -= 1;
          if (error instanceof StatusError && !error.mayHaveBeenSent) unsent.push(id);
          else unknown += 1;
        },
      );
    });
  }
  await storm.run({ untilMs: 4_000 });
  return { seen, unsent, unknown, overdue: open };
}
