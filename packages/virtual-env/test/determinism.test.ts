import { describe, expect, it } from 'vitest';
import type { DrainMode, TraceEvent } from '../src/index.ts';
import { drawOptions, formatTraceEvent, VirtualWorld } from '../src/index.ts';
import { startChaos } from './chaos.ts';
import { startThreeHosts } from './three-hosts.ts';

interface Run {
  readonly fingerprint: string;
  readonly lines: readonly string[];
}

async function runChaos(seed: number, drain: DrainMode = 'tick'): Promise<Run> {
  const { world, boot } = startThreeHosts(seed, { ...drawOptions(seed), drain });
  const lines: string[] = [];
  world.trace((event: TraceEvent) => lines.push(formatTraceEvent(event)));
  startChaos(world, world.hosts, boot);
  await world.run({ untilMs: 5_000 });
  return { fingerprint: world.fingerprint(), lines };
}

describe('a world', () => {
  it('goes the same way twice from one seed, line by line, whatever goes wrong', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const first = await runChaos(seed);
      const second = await runChaos(seed);
      expect(first.lines.length).toBeGreaterThan(500);
      expect(second.lines).toEqual(first.lines);
      expect(second.fingerprint).toBe(first.fingerprint);
    }
  });

  it('goes the same way beside another one in the same process', async () => {
    const alone = await runChaos(1);
    const [beside] = await Promise.all([runChaos(1), runChaos(2), runChaos(3)]);
    expect(beside.fingerprint).toBe(alone.fingerprint);
  });

  it('goes another way from another seed', async () => {
    const fingerprints = new Set<string>();
    for (let seed = 1; seed <= 10; seed++) fingerprints.add((await runChaos(seed)).fingerprint);
    expect(fingerprints.size).toBe(10);
  });

  it('goes the same way with and without a listener to its trace', async () => {
    const traced = await runChaos(4);
    const { world, boot } = startThreeHosts(4, drawOptions(4));
    startChaos(world, world.hosts, boot);
    await world.run({ untilMs: 5_000 });
    expect(world.fingerprint()).toBe(traced.fingerprint);
  });

  it('tells nothing apart by how often it is stopped on the way', async () => {
    const whole = startThreeHosts(5).world;
    await whole.run({ untilMs: 2_000 });
    const parts = startThreeHosts(5).world;
    for (let untilMs = 7; untilMs < 2_000; untilMs += 7) await parts.run({ untilMs });
    await parts.run({ untilMs: 2_000 });
    expect(parts.fingerprint()).toBe(whole.fingerprint());
  });
});

describe('draining promises between events', () => {
  it('by ticks comes to the same as by rounds of the real event loop', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const byTick = await runChaos(seed, 'tick');
      const byMacrotask = await runChaos(seed, 'macrotask');
      expect(byTick.fingerprint).toBe(byMacrotask.fingerprint);
    }
  });

  it('finishes chains of any length before the next event', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const steps: string[] = [];
    const chain = async (length: number): Promise<void> => {
      for (let step = 0; step < length; step++) await Promise.resolve(step);
      const parts = await Promise.all([Promise.resolve(1), (async () => 2)()]);
      const generated: number[] = [];
      for await (const value of generate(length)) generated.push(value);
      steps.push(`chain of ${length + parts.length - 2} and ${generated.length}`);
    };
    // Both at the same virtual time: only their sequence parts them.
    world.after(1, () => {
      chain(5_000).catch(() => steps.push('failed'));
    });
    world.after(1, () => steps.push('next event'));
    await world.run({ untilMs: 2 });
    expect(steps).toEqual(['chain of 5000 and 5000', 'next event']);
  });
});

async function* generate(count: number): AsyncGenerator<number> {
  for (let value = 0; value < count; value++) yield value;
}

describe('the speed of a run', () => {
  it('leaves real time far behind', async () => {
    const { world, counts } = startThreeHosts(6);
    const before = process.cpuUsage();
    await world.run({ untilMs: 20_000 });
    const { user, system } = process.cpuUsage(before);
    const seconds = (user + system) / 1_000_000;
    expect(counts.received).toBeGreaterThan(3_400);
    // Some 900 are usual; the floor is for busy machines.
    expect(20 / seconds).toBeGreaterThan(20);
  });
});
