import { type DEngineError, decodeWriteCommand, limits } from '@d-engine/base';
import {
  type ClientReadRequest,
  decodeClientReadRequest,
  decodeClientWriteRequest,
  encodeClientResponse,
  type FoundKey,
} from '@d-engine/wire';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../src/index.ts';
import { a, ClientFixture, written } from './client-fixture.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

let fixture: ClientFixture;
let client: Client;
beforeEach(() => {
  fixture = new ClientFixture();
  client = fixture.connect({ endpoints: [a] });
});

/** The member answers with this, and the request is what the test looks at. */
function answerWith(response: Parameters<typeof encodeClientResponse>[0]): void {
  fixture.member(a, () => encodeClientResponse(response));
}

function lastRequest(): Uint8Array {
  return fixture.network.deliveries.at(-1)?.request ?? new Uint8Array();
}

/** The command of the last write; the decoder hands out Buffers, which are not equal to bytes. */
function lastCommand(): object {
  const command = decodeWriteCommand(decodeClientWriteRequest(lastRequest()).command);
  const plain = Object.entries(command as { [name: string]: unknown }).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? Uint8Array.from(value) : value,
  ]);
  return Object.fromEntries(plain) as object;
}

function lastRead(): ClientReadRequest {
  return decodeClientReadRequest(lastRequest());
}

describe('writes', () => {
  it('put', async () => {
    answerWith({ type: 'write', succeeded: true, revision: 42 });
    const result = await fixture.clock.run(client.put('k', Uint8Array.of(1, 2)));
    expect(result).toEqual({ revision: 42 });
    expect(decodeClientWriteRequest(lastRequest()).clientId).toBeGreaterThan(0);
    expect(lastCommand()).toEqual({
      type: 'put',
      key: text('k'),
      value: Uint8Array.of(1, 2),
      ttlMs: 0,
    });
  });

  it('delete', async () => {
    answerWith({ type: 'write', succeeded: true, deleted: false, revision: 43 });
    const result = await fixture.clock.run(client.delete('k'));
    expect(result).toEqual({ deleted: false, revision: 43 });
    expect(lastCommand()).toEqual({ type: 'delete', key: text('k') });
  });

  it('compareAndSwap', async () => {
    const current = text('x');
    answerWith({ type: 'write', succeeded: false, current, revision: 44 });
    const result = await fixture.clock.run(client.compareAndSwap('k', 'old', null));
    expect(result).toEqual({ succeeded: false, current, revision: 44 });
    expect(lastCommand()).toMatchObject({ expected: text('old'), value: null });
    answerWith({ type: 'write', succeeded: false, current: null, revision: 45 });
    const absent = await fixture.clock.run(client.compareAndSwap('k', null, ''));
    expect(absent).toEqual({ succeeded: false, current: null, revision: 45 });
    expect(lastCommand()).toMatchObject({ expected: null, value: text('') });
  });
});

describe('reads', () => {
  const found = (key: string, revision: number): FoundKey => ({
    key: text(key),
    value: text(`value of ${key}`),
    createRevision: 1,
    modRevision: revision,
    version: 2,
  });

  it('get', async () => {
    const results = [found('k', 5)];
    answerWith({ type: 'read', results, revision: 9, consistency: 'lease' });
    const entry = await fixture.clock.run(client.get('k', { minRevision: 4 }));
    expect(entry).toEqual(found('k', 5));
    expect(lastRead()).toMatchObject({ minRevision: 4, consistency: undefined });
    answerWith({ type: 'read', results: [], revision: 9, consistency: 'lease' });
    expect(await fixture.clock.run(client.get('k'))).toBeNull();
  });

  it('read puts what was found in the order of the keys, nulls for the rest', async () => {
    const results = [found('b', 5), found('', 6)];
    answerWith({ type: 'read', results, revision: 9, consistency: 'eventual' });
    const keys = ['absent', '', 'b', 'b'];
    const result = await fixture.clock.run(client.read(keys, { consistency: 'eventual' }));
    expect(result.entries).toEqual([null, found('', 6), found('b', 5), found('b', 5)]);
    expect(result).toMatchObject({ revision: 9, consistency: 'eventual' });
    expect(lastRead().keys.map((key) => Uint8Array.from(key))).toEqual(keys.map(text));
    expect(lastRead().consistency).toBe('eventual');
  });

  it('read without keys asks for nothing but the revision', async () => {
    answerWith({ type: 'read', results: [], revision: 9, consistency: 'linearizable' });
    const result = await fixture.clock.run(client.read([]));
    expect(result).toEqual({ entries: [], revision: 9, consistency: 'linearizable' });
  });

  it('hands out copies: a view would keep the whole response in memory', async () => {
    answerWith({ type: 'read', results: [found('k', 5)], revision: 9, consistency: 'lease' });
    const entry = await fixture.clock.run(client.get('k'));
    expect(entry?.value.buffer.byteLength).toBe(entry?.value.length);
  });

  it('holds the answer against the keys as they were when it asked', async () => {
    const key = text('k');
    answerWith({ type: 'read', results: [found('k', 5)], revision: 9, consistency: 'lease' });
    const reading = client.get(key);
    key[0] = 0;
    expect((await fixture.clock.run(reading))?.modRevision).toBe(5);
  });
});

describe('bad arguments reject before anything is sent', () => {
  const keyMax = limits.keyBytesMax;
  const cases: [string, () => Promise<unknown>, DEngineError['name']][] = [
    ['a long key', () => client.put(new Uint8Array(keyMax + 1), ''), 'RequestTooLarge'],
    ['a long text as key', () => client.get('é'.repeat(keyMax / 2 + 1)), 'RequestTooLarge'],
    [
      'a long value',
      () => client.put('k', new Uint8Array(limits.valueBytesMax + 1)),
      'RequestTooLarge',
    ],
    [
      'a swap that does not fit in one request',
      () => client.compareAndSwap('k', big, big),
      'RequestTooLarge',
    ],
    [
      'too many keys',
      () => client.read(new Array<string>(limits.readKeysMax + 1).fill('')),
      'RequestTooLarge',
    ],
    [
      'keys that do not fit in one request',
      () => client.read(new Array<Uint8Array>(100).fill(new Uint8Array(keyMax))),
      'RequestTooLarge',
    ],
    ['half of a surrogate pair', () => client.put('\ud800', ''), 'InvalidRequest'],
    ['a number', () => client.put('k', 5 as unknown as string), 'InvalidRequest'],
    ['no time at all', () => client.get('k', { deadlineMs: 0 }), 'InvalidRequest'],
    ['endless time', () => client.get('k', { deadlineMs: Number.NaN }), 'InvalidRequest'],
  ];
  const big = new Uint8Array(limits.valueBytesMax);

  it.each(cases)('%s', async (_what, act, name) => {
    const error = await fixture.failure(act());
    expect(error.name).toBe(name);
    expect(error.mayHaveBeenApplied).toBe(false);
    expect(fixture.network.deliveries).toEqual([]);
  });

  it('the largest key and value are fine', async () => {
    fixture.member(a, () => written(1));
    const key = new Uint8Array(keyMax);
    await fixture.clock.run(client.put(key, big));
    expect(fixture.network.deliveries).toHaveLength(1);
  });
});

describe('answers that make no sense', () => {
  it.each([
    ['garbage', Uint8Array.of(255, 255, 255)],
    ['nothing', new Uint8Array()],
    [
      'an answer to something else',
      encodeClientResponse({
        type: 'read',
        results: [],
        revision: 1,
        consistency: 'lease',
      }),
    ],
  ])('%s: the write may have been applied', async (_what, bytes) => {
    fixture.member(a, () => bytes);
    const error = await fixture.failure(client.put('k', 'v'));
    expect(error.name).toBe('InvalidResponse');
    expect(error.mayHaveBeenApplied).toBe(true);
    expect(error.message).toMatch(/^put: .*10\.0\.0\.1:9081.*read before writing again/);
    expect(fixture.network.deliveries).toHaveLength(1);
  });
});
