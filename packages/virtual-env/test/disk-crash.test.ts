import type { Disk, DiskFile } from '@d-engine/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VirtualHost } from '../src/index.ts';
import { VirtualWorld } from '../src/index.ts';

const sector = 512;

type Step =
  | {
      readonly type: 'write';
      readonly position: number;
      readonly length: number;
      readonly fill: number;
    }
  | { readonly type: 'truncate'; readonly length: number }
  | { readonly type: 'sync' };

const position = fc.integer({ min: 0, max: 6 * sector });
const length = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 3 * sector }));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('write' as const),
      position,
      length,
      fill: fc.integer({ min: 1, max: 255 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('truncate' as const), length: position }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('sync' as const) }) },
);

async function perform(file: DiskFile, { ...change }: Step): Promise<void> {
  if (change.type === 'sync') await file.sync();
  else if (change.type === 'truncate') await file.truncate(change.length);
  else await file.write(change.position, [new Uint8Array(change.length).fill(change.fill)]);
}

function apply(content: Uint8Array, change: Step): Uint8Array {
  if (change.type === 'sync') return content;
  const end = change.type === 'truncate' ? change.length : change.position + change.length;
  const result = new Uint8Array(change.type === 'truncate' ? end : Math.max(end, content.length));
  result.set(content.subarray(0, result.length));
  if (change.type === 'write') result.fill(change.fill, change.position, end);
  return result;
}

/** Content at the last sync, and the changes since. */
function split(steps: readonly Step[]): { synced: Uint8Array; unsynced: Step[] } {
  let synced = new Uint8Array(0);
  let unsynced: Step[] = [];
  for (const each of steps) {
    if (each.type !== 'sync') unsynced.push(each);
    else {
      for (const change of unsynced) synced = new Uint8Array(apply(synced, change));
      unsynced = [];
    }
  }
  return { synced, unsynced };
}

/** Far quicker than letting vitest compare arrays element by element. */
function isSame(actual: Uint8Array | undefined, expected: Uint8Array | undefined): boolean {
  if (actual === undefined || expected === undefined) return actual === expected;
  return Buffer.compare(actual, expected) === 0;
}

/** What the model of a crash does not allow about the content after it; empty when all is well. */
function findUnexplained(
  after: Uint8Array | undefined,
  synced: Uint8Array,
  unsynced: readonly Step[],
): string {
  if (after === undefined) return 'the file is gone';
  if (unsynced.length === 0) return isSame(after, synced) ? '' : 'synced data changed';
  const cutTo = Math.min(
    synced.length,
    ...unsynced.map((change) => (change.type === 'truncate' ? change.length : Infinity)),
  );
  // Nothing but a truncation shortens a file.
  if (after.length < cutTo) return `${after.length} bytes are left of ${cutTo}`;
  for (const [at, byte] of after.entries()) {
    if (byte === (synced[at] ?? 0)) continue;
    const allowed = new Set(at >= cutTo ? [0] : []);
    for (const change of unsynced) {
      if (change.type !== 'write') continue;
      if (at >= change.position && at < change.position + change.length) allowed.add(change.fill);
    }
    if (!allowed.has(byte)) return `byte ${at} is ${byte}, allowed ${[...allowed].join()}`;
  }
  return '';
}

describe('the content of a file after a power loss', () => {
  it('is what was synced, plus any part in sectors of what was not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.array(step, { maxLength: 30 }), async (seed, steps) => {
        const world = new VirtualWorld({ seed });
        const host = world.host('a');
        const file = await world.complete(host.env.disk.open('/f', 'create'));
        await world.complete(host.env.disk.syncDirectory('/'));
        for (const each of steps) await world.complete(perform(file, each));
        const { synced, unsynced } = split(steps);
        const before = host.disk.peek('/f');
        expect(isSame(before, unsynced.reduce<Uint8Array>(apply, synced))).toBe(true);
        host.crash({ powerLoss: true });
        const after = host.disk.peek('/f');
        expect(findUnexplained(after, synced, unsynced)).toBe('');
        // Once down, what is there stays there.
        host.crash({ powerLoss: true });
        expect(isSame(host.disk.peek('/f'), after)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('tears an unsynced write only between sectors', async () => {
    let torn = 0;
    for (let seed = 0; seed < 100; seed++) {
      const world = new VirtualWorld({ seed });
      const host = world.host('a');
      const file = await world.complete(host.env.disk.open('/f', 'create'));
      await world.complete(host.env.disk.syncDirectory('/'));
      await world.complete(file.writeAndSync(0, [new Uint8Array(8 * sector).fill(1)]));
      await world.complete(file.write(100, [new Uint8Array(7 * sector).fill(2)]));
      host.crash({ powerLoss: true });
      const after = host.disk.peek('/f') ?? new Uint8Array(0);
      expect(after.length).toBe(8 * sector);
      const kinds = new Set<number>();
      for (let at = 0; at < after.length; at += sector) {
        const part = after.slice(Math.max(at, 100), Math.min(at + sector, 7 * sector + 100));
        expect(new Set(part).size).toBeLessThanOrEqual(1);
        for (const byte of part) kinds.add(byte);
      }
      if (kinds.size === 2) torn += 1;
      const { tornWrites, keptWrites, lostWrites } = host.disk.counters;
      const counted = { torn: tornWrites, kept: keptWrites, lost: lostWrites };
      const result = kinds.size === 2 ? 'torn' : kinds.has(2) ? 'kept' : 'lost';
      expect(counted).toEqual({ torn: 0, kept: 0, lost: 0, [result]: 1 });
    }
    expect(torn).toBeGreaterThan(10);
    expect(torn).toBeLessThan(90);
  });

  it('holds a write that a sync under way was not sure to cover only by luck', async () => {
    let lost = 0;
    for (let seed = 0; seed < 60; seed++) {
      const disk = { writeMs: { min: 0.1, max: 0.1 }, syncMs: { min: 5, max: 5 } };
      const world = new VirtualWorld({ seed, disk });
      const host = world.host('a');
      const file = await world.complete(host.env.disk.open('/f', 'create'));
      await world.complete(host.env.disk.syncDirectory('/'));
      const sync = file.sync();
      await world.complete(file.write(0, [new Uint8Array(10).fill(1)]));
      await world.complete(sync);
      host.crash({ powerLoss: true });
      if (host.disk.peek('/f')?.[0] !== 1) lost += 1;
    }
    expect(lost).toBeGreaterThan(10);
  });
});

type NameStep =
  | { readonly type: 'create'; readonly name: string }
  | { readonly type: 'remove'; readonly name: string }
  | { readonly type: 'rename'; readonly name: string; readonly to: string }
  | { readonly type: 'sync'; readonly directory: string };

const directories = ['/x', '/y'];
const name = fc.constantFrom('/x/a', '/x/b', '/y/a', '/y/b');
const nameStep: fc.Arbitrary<NameStep> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('create' as const), name }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('remove' as const), name }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('rename' as const), name, to: name }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('sync' as const),
      directory: fc.constantFrom(...directories),
    }),
  },
);

/** Does the step if it is possible; a new file's content is its number. */
async function performName(disk: Disk, each: NameStep, number: number): Promise<void> {
  if (each.type === 'sync') {
    await disk.syncDirectory(each.directory);
  } else if (each.type === 'create') {
    if (await disk.exists(each.name)) return;
    const file = await disk.open(each.name, 'create');
    await file.writeAndSync(0, [Uint8Array.of(number)]);
  } else if (await disk.exists(each.name)) {
    if (each.type === 'rename') await disk.rename(each.name, each.to);
    else await disk.remove(each.name);
  }
}

function names(host: VirtualHost): Map<string, number | undefined> {
  const found = new Map<string, number | undefined>();
  for (const directory of directories) {
    for (const each of host.disk.peekNames(directory) ?? []) {
      const path = `${directory}/${each}`;
      found.set(path, host.disk.peek(path)?.[0]);
    }
  }
  return found;
}

async function prepare(seed: number): Promise<{ world: VirtualWorld; host: VirtualHost }> {
  const world = new VirtualWorld({ seed });
  const host = world.host('a');
  for (const directory of directories) {
    await world.complete(host.env.disk.makeDirectory(directory));
  }
  await world.complete(host.env.disk.syncDirectory('/'));
  return { world, host };
}

describe('names after a power loss', () => {
  it('are those of the last syncs of all directories, when nothing happened since', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.array(nameStep, { maxLength: 25 }), async (seed, steps) => {
        const { world, host } = await prepare(seed);
        for (const [number, each] of steps.entries()) {
          await world.complete(performName(host.env.disk, each, number + 1));
        }
        for (const directory of directories) {
          await world.complete(host.env.disk.syncDirectory(directory));
        }
        const before = names(host);
        host.crash({ powerLoss: true });
        expect(names(host)).toEqual(before);
      }),
      { numRuns: 200 },
    );
  });

  it('leave nothing of a file that was replaced by one that has moved on', async () => {
    const { world, host } = await prepare(0);
    const steps: NameStep[] = [
      { type: 'create', name: '/x/b' },
      { type: 'create', name: '/x/a' },
      { type: 'sync', directory: '/x' },
      { type: 'rename', name: '/x/b', to: '/x/a' },
      { type: 'rename', name: '/x/a', to: '/y/a' },
      { type: 'sync', directory: '/y' },
      { type: 'sync', directory: '/x' },
    ];
    for (const [number, each] of steps.entries()) {
      await world.complete(performName(host.env.disk, each, number + 1));
    }
    host.crash({ powerLoss: true });
    expect(names(host)).toEqual(new Map([['/y/a', 1]]));
  });

  it.each([false, true])(
    'leave a file that gave its name to another, synced there: %s',
    async (isSynced) => {
      for (let seed = 0; seed < 60; seed++) {
        const { world, host } = await prepare(seed);
        const steps: NameStep[] = [
          { type: 'create', name: '/y/b' },
          { type: 'create', name: '/x/a' },
          { type: 'sync', directory: '/y' },
          { type: 'sync', directory: '/x' },
          { type: 'rename', name: '/x/a', to: '/x/b' },
          { type: 'rename', name: '/y/b', to: '/x/a' },
          ...(isSynced ? [{ type: 'sync', directory: '/y' } as const] : []),
        ];
        for (const [number, each] of steps.entries()) {
          await world.complete(performName(host.env.disk, each, number + 1));
        }
        host.crash({ powerLoss: true });
        expect(new Set(names(host).values())).toEqual(new Set([1, 2]));
      }
    },
  );

  it('give no file two names, and none that was synced less than one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.array(nameStep, { maxLength: 25 }), async (seed, steps) => {
        const { world, host } = await prepare(seed);
        // In the tree at the last moment when both directories were synced: must not vanish
        // unless it was removed or replaced since.
        let settled = new Map<string, number | undefined>();
        const gone = new Set<number | undefined>();
        let last = undefined as NameStep | undefined;
        for (const [number, each] of steps.entries()) {
          const before = names(host);
          await world.complete(performName(host.env.disk, each, number + 1));
          const after = new Set(names(host).values());
          for (const file of before.values()) if (!after.has(file)) gone.add(file);
          if (each.type === 'sync' && last?.type === 'sync' && each.directory !== last.directory) {
            settled = names(host);
          }
          last = each;
        }
        host.crash({ powerLoss: true });
        const found = [...names(host).values()];
        expect(new Set(found).size).toBe(found.length);
        const due = [...settled.values()].filter((file) => !gone.has(file));
        expect(found).toEqual(expect.arrayContaining(due));
      }),
      { numRuns: 300 },
    );
  });

  it('keep the old or the new file of a rename, never neither', async () => {
    const seen = new Set<number | undefined>();
    for (let seed = 0; seed < 40; seed++) {
      const { world, host } = await prepare(seed);
      const { disk } = host.env;
      await world.complete(performName(disk, { type: 'create', name: '/x/a' }, 1));
      await world.complete(disk.syncDirectory('/x'));
      await world.complete(performName(disk, { type: 'create', name: '/y/a' }, 2));
      await world.complete(disk.rename('/y/a', '/x/a'));
      host.crash({ powerLoss: true });
      seen.add(names(host).get('/x/a'));
    }
    expect(seen).toEqual(new Set([1, 2]));
  });

  it('lose a directory that was never synced, with all that is in it', async () => {
    let lost = 0;
    for (let seed = 0; seed < 40; seed++) {
      const world = new VirtualWorld({ seed });
      const host = world.host('a');
      const { disk } = host.env;
      await world.complete(disk.makeDirectory('/new'));
      const file = await world.complete(disk.open('/new/f', 'create'));
      await world.complete(file.writeAndSync(0, [Uint8Array.of(1)]));
      await world.complete(disk.syncDirectory('/new'));
      host.crash({ powerLoss: true });
      if (host.disk.peek('/new/f') === undefined) lost += 1;
    }
    expect(lost).toBeGreaterThan(5);
    expect(lost).toBeLessThan(35);
  });
});
