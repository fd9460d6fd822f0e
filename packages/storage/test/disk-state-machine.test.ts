import { crc32 } from 'node:zlib';
import type { Entry, Proposal, WriteCommand } from '@d-engine/base';
import { DiskError, entryKinds, limits } from '@d-engine/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scaled } from '../../../tools/test-scale.ts';
import { orderedStoreConformance } from '../src/conformance/ordered-store-conformance.ts';
import { stateMachineConformance } from '../src/conformance/state-machine-conformance.ts';
import type { StateMachine } from '../src/contracts.ts';
import { markKey } from '../src/disk/disk-keys.ts';
import { KeyValueStateMachine } from '../src/key-value-state-machine.ts';
import type { Opened } from './disk-fixtures.ts';
import {
  applyAll,
  contentOf,
  entriesOf,
  headerAt,
  openAt,
  proposalOf,
  put,
  remove,
  rest,
  textAt,
} from './disk-fixtures.ts';
import { MemoryStorePlace } from './memory-ordered-store.ts';

describe('an ordered store in memory', () => {
  it.each(orderedStoreConformance(() => new MemoryStorePlace()))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe('the state machine on an ordered store', () => {
  const create = async (): Promise<StateMachine> => (await openAt(new MemoryStorePlace())).machine;
  it.each(stateMachineConformance(create))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe('what is durable of a state on disk (rule 10)', () => {
  it('is never more than the log holds, and all of that once it was written', async () => {
    const place = new MemoryStorePlace();
    const { machine } = await openAt(place);
    applyAll(machine, put('a', '1'), put('b', '2'));
    machine.logDurable(0);
    applyAll(machine, put('a', '3'));
    await rest();
    expect(place.content.size).toBe(0);
    machine.logDurable(2);
    await rest();
    expect(machine.durableIndex).toBe(2);
    expect(textAt(machine, 'a')).toBe('3');
    place.crash();
    const again = (await openAt(place)).machine;
    expect([again.appliedIndex, again.appliedTerm, again.keyCount]).toEqual([2, 3, 2]);
    expect(textAt(again, 'a')).toBe('1');
  });

  it('waits with a batch that the log has in part', async () => {
    const place = new MemoryStorePlace();
    const { machine } = await openAt(place);
    applyAll(machine, put('a', '1'), put('a', '2'));
    machine.logDurable(1);
    await rest();
    expect(machine.durableIndex).toBe(0);
    machine.logDurable(2);
    await rest();
    expect(machine.durableIndex).toBe(2);
    expect(machine.pendingBytes).toBe(0);
  });

  it('is told of, once there is more of it', async () => {
    const told: number[] = [];
    const opened: Opened = await openAt(new MemoryStorePlace(), {
      onDurable: () => told.push(opened.machine.durableIndex),
    });
    applyAll(opened.machine, put('a', '1'));
    opened.machine.logDurable(1);
    applyAll(opened.machine, put('a', '2'));
    opened.machine.logDurable(2);
    await rest();
    expect(told).toEqual([1, 2]);
  });
});

describe('a state on disk', () => {
  it('waits for room when the disk is full, and goes on serving', async () => {
    const place = new MemoryStorePlace();
    const { machine, store } = await openAt(place);
    applyAll(machine, put('a', '1'));
    store.failure = new DiskError('full', 'state', 'no room');
    machine.logDurable(1);
    await rest();
    expect(machine.spaceProblem?.kind).toBe('full');
    expect([machine.durableIndex, textAt(machine, 'a')]).toEqual([0, '1']);
    machine.logDurable(1);
    await rest();
    expect(machine.spaceProblem).toBeUndefined();
    expect(machine.durableIndex).toBe(1);
  });

  it('tells the member of a failed disk, and writes nothing more', async () => {
    const failures: unknown[] = [];
    const place = new MemoryStorePlace();
    const { machine, store } = await openAt(place, { onFailure: (error) => failures.push(error) });
    applyAll(machine, put('a', '1'));
    const failure = new DiskError('io', 'state', 'the disk is broken');
    store.failure = failure;
    machine.logDurable(1);
    await rest();
    machine.logDurable(1);
    await rest();
    expect(failures).toEqual([failure]);
    expect(store.writeCount).toBe(0);
  });

  it('that was loaded replaces the old one at once, and nothing of that is left', async () => {
    const source = new KeyValueStateMachine({ readHistoryId: () => 'h' });
    applyAll(source, put('a', '1'), put('b', '1'), remove('b'), put('a', 'new'), put('c', 'new'));
    const view = source.view();
    const place = new MemoryStorePlace();
    const { machine } = await openAt(place);
    applyAll(machine, put('a', 'old'), put('b', 'old'));
    machine.logDurable(2);
    await rest();
    await machine.load(headerAt(5), view.sections());
    expect(textAt(machine, 'b')).toBeUndefined();
    place.crash();
    const again = (await openAt(place)).machine;
    expect([again.appliedIndex, again.appliedTerm]).toEqual([5, 3]);
    expect(textAt(again, 'a')).toBe('new');
    await rest();
    expect(place.content.size).toBe(3);
    applyAll(again, put('d', 'later'));
    again.logDurable(6);
    await again.close();
    expect(textAt((await openAt(place)).machine, 'd')).toBe('later');
  });

  it('is the old one after a crash within a load, and the next load is whole', async () => {
    const source = new KeyValueStateMachine({ readHistoryId: () => 'h' });
    const large = 'v'.repeat(limits.stateWriteBytesMax / 4);
    applyAll(source, ...['a', 'b', 'c', 'd', 'e', 'f'].map((key) => put(key, large)));
    const place = new MemoryStorePlace();
    const { machine, store } = await openAt(place);
    applyAll(machine, put('old', '1'));
    machine.logDurable(1);
    await rest();
    const before = place.content.size;
    store.writeCountMax = store.writeCount + 1;
    const view = source.view();
    machine.load(headerAt(6), view.sections()).catch(() => undefined);
    while (store.writeCount < store.writeCountMax) await rest();
    await rest();
    place.crash();
    expect(place.content.size).toBeGreaterThan(before);
    const again = (await openAt(place)).machine;
    expect([again.appliedIndex, textAt(again, 'old')]).toEqual([1, '1']);
    await rest();
    expect(place.content.size).toBe(before);
    const second = source.view();
    await again.load(headerAt(6), second.sections());
    expect(again.keyCount).toBe(6);
    expect(await contentOf(again)).toEqual(await contentOf(source));
  });

  it('knows after a start which keys went to live shorter, and which for good', async () => {
    const place = new MemoryStorePlace();
    const { machine } = await openAt(place);
    applyAll(machine, put('a', '1', 50), put('b', '1'), put('c', '1', 60));
    machine.logDurable(3);
    await rest();
    applyAll(machine, put('a', '2'), put('b', '2', 70), remove('c'));
    machine.logDurable(6);
    await rest();
    place.crash();
    const again = (await openAt(place)).machine;
    expect([again.expiringKeyCount, again.nextExpiryMs]).toEqual([1, machine.nextExpiryMs]);
    expect(again.stateBytes).toBe(machine.stateBytes);
  });

  it('can be given up as a whole', async () => {
    const place = new MemoryStorePlace();
    const { machine } = await openAt(place);
    applyAll(machine, put('a', '1'));
    machine.logDurable(1);
    await rest();
    await machine.clear();
    const found = [machine.appliedIndex, machine.keyCount, textAt(machine, 'a')];
    expect(found).toEqual([0, 0, undefined]);
    applyAll(machine, put('b', '2'));
    expect(machine.stateHash()).toBe(hashAfter(entriesOf([proposalOf(put('b', '2'))], 1)));
    place.crash();
    expect((await openAt(place)).machine.appliedIndex).toBe(0);
  });

  it('of another data directory is refused, and so is a damaged mark', async () => {
    const place = new MemoryStorePlace();
    const { machine } = await openAt(place);
    applyAll(machine, put('a', '1'));
    machine.logDurable(1);
    await rest();
    await machine.close();
    const foreign = openAt(place, { owner: 'ee'.repeat(16) });
    await expect(foreign).rejects.toThrow('belongs to another data directory: remove memory');
    const name = Buffer.from(markKey).toString('latin1');
    const mark = Buffer.from(place.content.get(name) as Uint8Array);
    for (let at = 0; at < mark.length; at++) {
      const flipped = Buffer.from(mark);
      flipped[at] = (flipped[at] as number) ^ 0x10;
      place.content = new Map(place.content).set(name, flipped);
      await expect(openAt(place)).rejects.toThrow('is damaged');
    }
  });

  it('of a newer format is refused, whatever else that says', async () => {
    const place = new MemoryStorePlace();
    const mark = Buffer.from('....\x02\x00\x00\x00what this release knows nothing of', 'latin1');
    mark.writeUInt32LE(crc32(mark.subarray(4)), 0);
    place.content = new Map([[Buffer.from(markKey).toString('latin1'), mark]]);
    await expect(openAt(place)).rejects.toThrow('memory has format version 2');
  });

  it('finds a flipped bit in any record before it is served', async () => {
    const place = new MemoryStorePlace();
    const { machine } = await openAt(place);
    applyAll(machine, put('key', 'value'));
    machine.logDurable(1);
    await rest();
    const name = '\x00kkey';
    const record = Buffer.from(place.content.get(name) as Uint8Array);
    for (let at = 0; at < record.length; at++) {
      const flipped = Buffer.from(record);
      flipped[at] = (flipped[at] as number) ^ 0x04;
      place.content = new Map(place.content).set(name, flipped);
      expect(() => textAt(machine, 'key')).toThrow('is damaged');
      await expect(contentOf(machine)).rejects.toThrow('is damaged');
    }
  });

  it('shows in a view the moment of its making, written or not', async () => {
    const place = new MemoryStorePlace();
    const { machine } = await openAt(place);
    applyAll(machine, put('a', '1'), put('b', '2'), put('c', '3'));
    machine.logDurable(3);
    await rest();
    applyAll(machine, put('a', '4'), remove('b'), put('d', '5'));
    machine.logDurable(3);
    const view = machine.view();
    const expected = await contentOf(machine);
    applyAll(machine, put('a', '6'), remove('c'), remove('d'));
    machine.logDurable(9);
    await rest();
    const other = (await openAt(new MemoryStorePlace())).machine;
    await other.load(headerAt(view.appliedIndex), view.sections());
    expect(await contentOf(other)).toEqual(expected);
    expect(expected).toHaveLength(3);
  });
});

function hashAfter(entries: readonly Entry[]): string {
  const machine = new KeyValueStateMachine({ readHistoryId: () => 'h' });
  machine.apply(entries);
  return machine.stateHash();
}

type Step =
  | { readonly type: 'apply'; readonly proposals: readonly Proposal[] }
  /** Of what is applied and not durable in the log yet, this part becomes so. */
  | { readonly type: 'logDurable'; readonly part: number }
  | { readonly type: 'rest' | 'block' | 'crash' | 'compare' | 'load' };

const key = fc.nat({ max: 12 }).map((number) => `key-${number}`);
/** Ids are revisions, so some of these are those of a lease or a session. */
const id = fc.nat({ max: 40 });
const ttlMs = fc.constantFrom(0, 0, 150, 400, 5_000);
const command: fc.Arbitrary<WriteCommand> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .record({ key, value: fc.string(), ttlMs, lease: fc.option(id, { nil: undefined, freq: 3 }) })
      .map(({ key: name, value, ttlMs: ttl, lease }) => {
        return { ...put(name, value), ...(lease === undefined ? { ttlMs: ttl } : { lease }) };
      }),
  },
  { weight: 3, arbitrary: key.map((name) => remove(name)) },
  { weight: 2, arbitrary: fc.constant({ type: 'grantLease' as const, ttlMs: 300 }) },
  { weight: 1, arbitrary: id.map((lease) => ({ type: 'keepLeaseAlive' as const, lease })) },
  { weight: 1, arbitrary: id.map((lease) => ({ type: 'revokeLease' as const, lease })) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('', 'name').map((name) => {
      return { type: 'openSession' as const, ttlMs: 400, name };
    }),
  },
);
const stamp = fc
  .record({ session: id, sequence: fc.integer({ min: 1, max: 4 }), lowest: fc.constantFrom(1, 2) })
  .map(({ session, sequence, lowest }) => ({ session, sequence, lowestUnacknowledged: lowest }));
const proposal: fc.Arbitrary<Proposal> = fc.oneof(
  { weight: 6, arbitrary: command.map((each) => proposalOf(each)) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(key, stamp)
      .map(([name, session]) => proposalOf(put(name, 'of a session'), session)),
  },
  {
    weight: 2,
    arbitrary: fc.constant({ kind: entryKinds.time, payload: new Uint8Array(0) }),
  },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('apply' as const),
      proposals: fc.array(proposal, { minLength: 1, maxLength: 6 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('logDurable' as const), part: fc.nat({ max: 4 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom('rest' as const, 'rest', 'block', 'crash', 'compare', 'load'),
    }),
  },
);

/** A machine on disk through crashes, beside one in memory that never had any. */
class Trial {
  readonly #place = new MemoryStorePlace();
  readonly #log: Entry[] = [];
  readonly #hashes: string[] = [hashAfter([])];
  #model = new KeyValueStateMachine({ readHistoryId: () => 'h' });
  #logDurable = 0;
  #opened!: Opened;
  #unblock: (() => void) | undefined;

  async open(): Promise<void> {
    this.#opened = await openAt(this.#place);
  }

  async run(each: Step): Promise<void> {
    const { machine, store } = this.#opened;
    switch (each.type) {
      case 'apply': {
        const entries = entriesOf(each.proposals, this.#log.length + 1);
        for (const entry of entries) {
          this.#model.apply([entry]);
          this.#hashes.push(this.#model.stateHash());
          this.#log.push(entry);
        }
        machine.apply(entries);
        return;
      }
      case 'logDurable':
        this.#logDurable += Math.floor(((this.#log.length - this.#logDurable) * each.part) / 4);
        machine.logDurable(this.#logDurable);
        return;
      case 'rest':
        this.#unblock?.();
        this.#unblock = undefined;
        await rest();
        return;
      case 'block':
        if (this.#unblock === undefined) {
          store.gate = new Promise((resolve) => {
            this.#unblock = resolve;
          });
        }
        return;
      case 'crash':
        return this.#crash();
      case 'compare':
        return this.compare();
      case 'load':
        return this.#load();
    }
  }

  async #crash(): Promise<void> {
    const promised = this.#opened.machine.durableIndex;
    this.#place.crash();
    this.#unblock = undefined;
    await this.open();
    const { machine } = this.#opened;
    expect(machine.appliedIndex).toBeGreaterThanOrEqual(promised);
    expect(machine.appliedIndex).toBeLessThanOrEqual(this.#logDurable);
    expect(machine.stateHash()).toBe(this.#hashes[machine.appliedIndex]);
    // What a log that was not synced loses; what comes again is other entries.
    this.#log.length = this.#logDurable;
    this.#hashes.length = this.#logDurable + 1;
    this.#model = new KeyValueStateMachine({ readHistoryId: () => 'h' });
    this.#model.apply(this.#log);
    machine.apply(this.#log.slice(machine.appliedIndex));
    await this.compare();
  }

  /** A snapshot of the member that never crashes, at the same index. */
  async #load(): Promise<void> {
    this.#unblock?.();
    this.#unblock = undefined;
    this.#logDurable = this.#log.length;
    const view = this.#model.view();
    await this.#opened.machine.load(headerAt(this.#log.length), view.sections());
    view.release();
    await this.compare();
  }

  async compare(): Promise<void> {
    const { machine } = this.#opened;
    expect(machine.stateHash()).toBe(this.#model.stateHash());
    expect(machine.stateBytes).toBe(this.#model.stateBytes);
    expect(machine.nextExpiryMs).toBe(this.#model.nextExpiryMs);
    expect(await contentOf(machine)).toEqual(await contentOf(this.#model));
    const keys = Array.from({ length: 13 }, (_, number) => Buffer.from(`key-${number}`));
    expect(machine.get(keys)).toEqual(this.#model.get(keys));
    for (const order of ['ascending', 'descending'] as const) {
      const range = { prefix: Buffer.from('key-1') };
      const query = { range, order, limit: 100, after: undefined };
      expect(machine.scan(query)).toEqual(this.#model.scan(query));
    }
  }
}

it(
  'a machine on disk is what one in memory is, through crashes, loads and slow writes',
  () =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { size: 'max', maxLength: 60 }), async (steps) => {
        const trial = new Trial();
        await trial.open();
        for (const each of steps) await trial.run(each);
        await trial.compare();
      }),
      { numRuns: scaled({ gate: 150, long: 20_000 }) },
    ),
  scaled({ gate: 120_000, long: 3_600_000 }),
);
