import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawOptions, VirtualWorld } from '../src/index.ts';

const exact = { driftMax: 0, wallOffsetMsMax: 0, timerLatenessMs: { min: 0, max: 0 } };

describe('timers', () => {
  it('fire once, in virtual time, in the order of their delays', async () => {
    const world = new VirtualWorld({ seed: 1, clock: exact });
    const { clock } = world.host('a').env;
    const fired: string[] = [];
    for (const delay of [30, 10, 20]) {
      clock.setTimer(delay, () => fired.push(`${delay} at ${world.nowMs.toFixed(3)}`));
    }
    await world.run({ untilMs: 1_000 });
    expect(fired).toEqual(['10 at 10.000', '20 at 20.000', '30 at 30.000']);
  });

  it('never fire early by the clock that set them, whatever its rate does meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.array(fc.double({ min: 0, max: 5_000, noNaN: true }), { maxLength: 20 }),
        fc.double({ min: 0.5, max: 2, noNaN: true }),
        async (seed, delays, rate) => {
          const options = drawOptions(seed);
          const world = new VirtualWorld({ ...options, seed });
          const host = world.host('a');
          const { clock } = host.env;
          let fired = 0;
          for (const delay of delays) {
            const dueMs = clock.monotonicMs() + delay;
            clock.setTimer(delay, () => {
              fired += 1;
              expect(clock.monotonicMs()).toBeGreaterThanOrEqual(dueMs);
            });
          }
          world.after(1_000, () => host.setClockRate(rate));
          world.after(1_500, () => host.suspend(700));
          await world.run({ untilMs: 20_000 });
          expect(fired).toBe(delays.length);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('do not fire once cancelled, not even when due at the same time', async () => {
    const world = new VirtualWorld({ seed: 1, clock: exact });
    const { clock } = world.host('a').env;
    const fired: string[] = [];
    const second = { cancel: (): void => undefined };
    clock.setTimer(10, () => {
      fired.push('first');
      second.cancel();
    });
    const timer = clock.setTimer(10, () => fired.push('second'));
    second.cancel = () => timer.cancel();
    await world.run({ untilMs: 20 });
    timer.cancel();
    expect(fired).toEqual(['first']);
  });
});

describe('clocks', () => {
  it('drift apart within the limit and start anywhere', async () => {
    const world = new VirtualWorld({ seed: 7, clock: { driftMax: 0.01 } });
    const clocks = ['a', 'b', 'c'].map((name) => world.host(name).env.clock);
    const before = clocks.map((clock) => clock.monotonicMs());
    await world.run({ forMs: 100_000 });
    const passed = clocks.map((clock, index) => clock.monotonicMs() - (before[index] ?? 0));
    for (const ms of passed) expect(Math.abs(ms - 100_000)).toBeLessThanOrEqual(1_000);
    expect(new Set(passed.map((ms) => ms.toFixed(6))).size).toBe(3);
    expect(new Set(before.map((ms) => ms.toFixed(3))).size).toBe(3);
  });

  it('show a jump of the wall clock on the wall clock alone', async () => {
    const world = new VirtualWorld({ seed: 1, clock: exact });
    const host = world.host('a');
    const before = host.env.clock.now();
    host.jumpWallClock(-3_600_000);
    const after = host.env.clock.now();
    expect(after.wallMs).toBe(before.wallMs - 3_600_000);
    expect(after.monotonicMs).toBe(before.monotonicMs);
    expect(Number.isInteger(after.wallMs)).toBe(true);
  });

  it.each([true, false])('sleep with the machine: monotonic goes on = %s', async (advances) => {
    const world = new VirtualWorld({ seed: 1, clock: exact });
    const host = world.host('a');
    const { clock } = host.env;
    const start = clock.now();
    const fired: number[] = [];
    clock.setTimer(100, () => fired.push(world.nowMs));
    world.after(50, () => host.suspend(10_000, { monotonicAdvances: advances }));
    await world.run({ untilMs: 20_000 });
    const end = clock.now();
    expect(end.wallMs - start.wallMs).toBe(20_000);
    expect(end.monotonicMs - start.monotonicMs).toBeCloseTo(advances ? 20_000 : 10_000, 6);
    expect(fired[0]).toBeCloseTo(advances ? 10_050 : 10_100, 3);
  });
});

it('a monotonic clock that slept does not go back when its rate changed meanwhile', async () => {
  const world = new VirtualWorld({ seed: 1, clock: exact });
  const host = world.host('a');
  const { clock } = host.env;
  await world.run({ untilMs: 50 });
  const before = clock.monotonicMs();
  host.suspend(1_000);
  world.after(500, () => host.setClockRate(1.02));
  await world.run({ forMs: 1_000 });
  expect(clock.monotonicMs()).toBeCloseTo(before, 6);
  await world.run({ forMs: 100 });
  expect(clock.monotonicMs()).toBeCloseTo(before + 102, 6);
});

describe('the event loop of a host', () => {
  it('runs afterPoll behind everything that was due', async () => {
    const schedule = { afterPollDelayMs: { min: 0, max: 0 } };
    const world = new VirtualWorld({ seed: 1, clock: exact, schedule });
    const { clock, schedule: loop } = world.host('a').env;
    const order: string[] = [];
    clock.setTimer(10, () => {
      order.push('one');
      loop.afterPoll(() => order.push('turn'));
    });
    clock.setTimer(10, () => order.push('two'));
    clock.setTimer(10, () => order.push('three'));
    await world.run({ untilMs: 20 });
    expect(order).toEqual(['one', 'two', 'three', 'turn']);
  });

  it('stands still in a stall, then catches up in order; others go on', async () => {
    const world = new VirtualWorld({ seed: 1, clock: exact });
    const stalled = world.host('a');
    const other = world.host('b');
    const fired: string[] = [];
    const note = (text: string) => (): void => {
      fired.push(`${text} ${world.nowMs.toFixed(0)}`);
    };
    for (const delay of [10, 20, 30]) stalled.env.clock.setTimer(delay, note(`a${delay}`));
    other.env.clock.setTimer(15, note('b15'));
    world.after(5, () => stalled.stall(20));
    world.after(10, () => stalled.stall(5));
    await world.run({ untilMs: 100 });
    expect(fired).toEqual(['b15 15', 'a10 25', 'a20 25', 'a30 30']);
  });

  it('does nothing between pause and resume', async () => {
    const world = new VirtualWorld({ seed: 1, clock: exact });
    const host = world.host('a');
    let fired = 0;
    host.env.clock.setTimer(10, () => {
      fired += 1;
    });
    host.pause();
    await world.run({ untilMs: 1_000 });
    expect(fired).toBe(0);
    host.resume();
    await world.run({ forMs: 0 });
    expect(fired).toBe(1);
  });

  it('stalls by itself when told to, by the seed', async () => {
    const schedule = { stallProbability: 1, stallMs: { min: 40, max: 40 } };
    const world = new VirtualWorld({ seed: 1, schedule });
    let atMs = 0;
    world.host('a').env.schedule.afterPoll(() => {
      atMs = world.nowMs;
    });
    await world.run({ untilMs: 100 });
    expect(atMs).toBe(40);
    world.endMishaps();
    const startMs = world.nowMs;
    world.host('a').env.schedule.afterPoll(() => {
      atMs = world.nowMs;
    });
    await world.run({ untilMs: 200 });
    expect(atMs - startMs).toBeLessThan(1);
  });
});

describe('a callback that throws', () => {
  it('ends the run with its error', async () => {
    const world = new VirtualWorld({ seed: 1 });
    world.host('a').env.clock.setTimer(1, () => {
      throw new RangeError('boom');
    });
    await expect(world.run({ untilMs: 10 })).rejects.toThrow(RangeError);
  });

  it('goes to the handler when there is one, and the world goes on', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const caught: string[] = [];
    world.onUncaught((error, host) => caught.push(`${host}: ${String(error)}`));
    world.host('a').env.clock.setTimer(1, () => {
      throw new RangeError('boom');
    });
    world.host('b').env.clock.setTimer(5, () => caught.push('b goes on'));
    await world.run({ untilMs: 10 });
    expect(caught).toEqual(['a: RangeError: boom', 'b goes on']);
  });
});

describe('an endless loop in no time', () => {
  it('is found out', async () => {
    const schedule = { afterPollDelayMs: { min: 0, max: 0 } };
    const world = new VirtualWorld({ seed: 1, schedule });
    const { schedule: loop } = world.host('a').env;
    const again = (): void => loop.afterPoll(again);
    again();
    await expect(world.run({ untilMs: 1 })).rejects.toThrow('time stands still');
  });
});

describe('computing', () => {
  it('takes virtual time and gives real results', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const { compute } = world.host('a').env;
    const bytes = new Uint8Array(1_000).fill(7);
    const packed = await world.complete(compute.gzip(bytes));
    expect(world.nowMs).toBeGreaterThan(0);
    expect(packed.length).toBeLessThan(100);
    expect(new Uint8Array(await world.complete(compute.gunzip(packed, 1_000)))).toEqual(bytes);
    await expect(world.complete(compute.gunzip(packed, 999))).rejects.toThrow(RangeError);
    const hash = await world.complete(compute.sha256([new Uint8Array(0)]));
    expect(Buffer.from(hash).toString('hex')).toMatch(/^e3b0c44298fc1c14/);
  });
});
