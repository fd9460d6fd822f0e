import type { Env, StreamHandler } from '@d-engine/base';
import { describe, expect, it } from 'vitest';
import { VirtualWorld } from '../src/index.ts';

const rethrow = (error: unknown): never => {
  throw error;
};
const dead = (): never => rethrow(new Error('a dead process serves'));

it('a host says whether its process runs', async () => {
  const world = new VirtualWorld({ seed: 1 });
  const host = world.host('a');
  const states: string[] = [];
  const look = (): unknown => states.push(`${host.runs}${host.asleep ? ' asleep' : ''}`);
  look();
  host.pause();
  look();
  host.resume();
  host.suspend(100);
  look();
  await world.run({ forMs: 200 });
  look();
  host.stall(100);
  look();
  await world.run({ forMs: 200 });
  look();
  host.crash();
  look();
  expect(states).toEqual(['true', 'false', 'false asleep', 'true', 'false', 'true', 'false']);
});

/** Starts everything that could call back later, and notes whatever does. */
function startEverything(env: Env, note: (what: string) => void): void {
  const handler = (name: string): StreamHandler => ({
    onMessage: () => note(`${name} message`),
    onDrain: () => note(`${name} drain`),
    onClose: () => note(`${name} close`),
  });
  const settled = (name: string, promise: Promise<unknown>): void => {
    promise.then(
      () => note(name),
      () => note(`${name} failed`),
    );
  };
  env.clock.setTimer(5, () => note('timer'));
  env.schedule.afterPoll(() => note('poll'));
  settled('open', env.disk.open('/f', 'create'));
  settled('lock', env.disk.lockDirectory('/'));
  settled('sha256', env.compute.sha256([new Uint8Array(10)]));
  const service = { onCall: () => note('incoming call'), onStream: () => handler('incoming') };
  settled('listen', env.network.listen('a:1', service));
  const channel = env.network.connect('b:1');
  settled('call', channel.call('test/Call', new Uint8Array(1), { deadlineMs: 50 }));
  const stream = channel.openStream('test/Stream', handler('stream'));
  for (let count = 0; count < 100; count++) stream.send(new Uint8Array(10_000));
}

function serve(env: Env): void {
  const onStream = (): StreamHandler => ({ onMessage: () => undefined, onClose: () => undefined });
  const listening = env.network.listen('b:1', {
    onCall: (call) => call.reply(call.request),
    onStream,
  });
  listening.catch(rethrow);
}

describe('a crashed life', () => {
  it.each([false, true])('hears of nothing any more (power loss: %s)', async (powerLoss) => {
    for (let crashMs = 0; crashMs < 8; crashMs += 0.5) {
      const world = new VirtualWorld({ seed: crashMs });
      serve(world.host('b').env);
      const host = world.host('a');
      let crashed = false;
      const late: string[] = [];
      world.after(1, () => startEverything(host.env, (what) => crashed && late.push(what)));
      world.after(1 + crashMs, () => {
        host.crash({ powerLoss });
        crashed = true;
      });
      world.after(2 + crashMs, () => host.restart());
      // A client that goes on talking to the address of the dead one.
      world.after(1, () => talkTo(world.host('b').env, 'a:1'));
      await world.run({ untilMs: 8_000 });
      expect(late).toEqual([]);
    }
  });

  it('can do nothing any more with what it still holds', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const other = world.host('b');
    const received: string[] = [];
    await world.complete(
      other.env.network.listen('b:1', {
        onCall: () => received.push('call'),
        onStream: () => ({
          onMessage: () => received.push('message'),
          onClose: () => received.push('close'),
        }),
      }),
    );
    const host = world.host('a');
    const { env } = host;
    const file = await world.complete(env.disk.open('/f', 'create'));
    const channel = env.network.connect('b:1');
    const stream = channel.openStream('test/Stream', {
      onMessage: () => undefined,
      onClose: () => undefined,
    });
    await world.run({ forMs: 10 });
    host.crash();
    host.restart();
    const late: string[] = [];
    const note = (): unknown => late.push('settled');
    stream.send(new Uint8Array(1));
    stream.end();
    stream.reset({ status: 'aborted', message: 'late' });
    channel.close();
    channel.call('test/Call', new Uint8Array(1), { deadlineMs: 100 }).then(note, note);
    env.network.connect('b:1').openStream('test/Stream', {
      onMessage: note,
      onClose: note,
    });
    file.writeAndSync(0, [new Uint8Array(10)]).then(note, note);
    env.disk.open('/g', 'create').then(note, note);
    env.network.listen('a:5', { onCall: note, onStream: dead }).then(note, note);
    env.clock.setTimer(1, note).cancel();
    env.clock.setTimer(1, note);
    env.schedule.afterPoll(note);
    env.compute.gzip(new Uint8Array(1)).then(note, note);
    await world.run({ forMs: 10_000 });
    expect(late).toEqual([]);
    expect(received).toEqual(['close']);
    expect(host.disk.peek('/f')?.length).toBe(0);
    expect(host.disk.peek('/g')).toBeUndefined();
  });

  it('takes its pauses with it', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const host = world.host('a');
    host.pause();
    host.stall(10_000);
    host.suspend(10_000);
    host.crash();
    let fired = false;
    host.restart().clock.setTimer(1, () => {
      fired = true;
    });
    await world.run({ forMs: 100 });
    expect(fired).toBe(true);
  });

  it('gives the next one other random numbers and the same wall clock', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const host = world.host('a');
    const first = host.env.random.bytes(16);
    const wallMs = host.env.clock.wallMs();
    host.crash();
    expect(host.alive).toBe(false);
    expect(() => host.env).toThrow('is down');
    const next = host.restart();
    expect(() => host.restart()).toThrow('runs already');
    expect(next.random.bytes(16)).not.toEqual(first);
    expect(next.clock.wallMs()).toBe(wallMs);
  });
});

describe('random numbers', () => {
  it('of one host do not depend on what another draws', () => {
    const draw = (extra: number): number[] => {
      const world = new VirtualWorld({ seed: 9 });
      for (let count = 0; count < extra; count++) world.host('b').env.random.float();
      const { random } = world.host('a').env;
      return [random.float(), random.float(), random.bytes(3)[2] ?? 0];
    };
    expect(draw(0)).toEqual(draw(1_000));
  });

  it('are spread evenly over [0, 1)', () => {
    const { random } = new VirtualWorld({ seed: 10 }).host('a').env;
    let inside = true;
    const buckets = Array.from({ length: 10 }, () => 0);
    for (let count = 0; count < 100_000; count++) {
      const value = random.float();
      inside &&= value >= 0 && value < 1;
      const bucket = Math.floor(value * 10);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    expect(inside).toBe(true);
    for (const bucket of buckets) expect(Math.abs(bucket - 10_000)).toBeLessThan(500);
  });
});

function talkTo(env: Env, address: string): void {
  const channel = env.network.connect(address);
  const endMs = env.clock.monotonicMs() + 100;
  const again = (): void => {
    channel.call('test/Call', new Uint8Array(1), { deadlineMs: 20 }).catch(() => undefined);
    const ignored: StreamHandler = { onMessage: () => undefined, onClose: () => undefined };
    channel.openStream('test/Stream', ignored).send(new Uint8Array(10));
    if (env.clock.monotonicMs() < endMs) env.clock.setTimer(0.5, again);
  };
  again();
}
