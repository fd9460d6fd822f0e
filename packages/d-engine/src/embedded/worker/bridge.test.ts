import { MessageChannel } from 'node:worker_threads';
import { DEngineError } from '@d-engine/base';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ConfigError } from '../../config/index.ts';
import { BridgeCaller } from './bridge-caller.ts';
import type { Answer, ToEngine } from './bridge-messages.ts';
import { BridgeServer } from './bridge-server.ts';
import { ownBytes } from './own-bytes.ts';
import { packError, unpackError } from './sent-error.ts';

function bridgeTo(client: object): BridgeCaller {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  const server = new BridgeServer(port2, { client, engine: {} });
  const caller = new BridgeCaller(port1);
  port2.on('message', (message: ToEngine) => server.onMessage(message));
  port1.on('message', (answer: Answer) => caller.onAnswer(answer));
  return caller;
}

const ask = (method: string, ...args: unknown[]) => ({ target: 'client', method, args }) as const;

/** Ends when its signal aborts, or when its reader leaves. */
async function* counting(log: string[], signal?: AbortSignal): AsyncGenerator<number> {
  try {
    for (let count = 1; ; count += 1) {
      signal?.throwIfAborted();
      yield count;
    }
  } finally {
    log.push('ended');
  }
}

describe('a call', () => {
  test('gives arguments and results, and the errors of the engine as they are', async () => {
    const bridge = bridgeTo({
      join: async (...parts: readonly Uint8Array[]) => Buffer.concat(parts),
      refuse: async () => {
        const leader = { id: 2, address: '127.0.0.1:2' };
        throw new DEngineError('NotLeader', 'ask 2', { leader, cause: new Error('why') });
      },
    });
    const bytes = await bridge.call(ask('join', Buffer.from('ab'), Buffer.from('c')));
    expect(Buffer.from(bytes as Uint8Array).toString()).toBe('abc');
    const refused: unknown = await bridge.call(ask('refuse')).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(DEngineError);
    expect(refused).toMatchObject({
      name: 'NotLeader',
      retryable: true,
      leader: { id: 2 },
      cause: { message: 'why' },
    });
  });

  test('hands an abort on, with its reason, and lets go of the signal afterwards', async () => {
    const bridge = bridgeTo({
      wait: (options: { signal: AbortSignal }) =>
        new Promise((_resolve, reject) => {
          options.signal.addEventListener('abort', () => reject(options.signal.reason as Error));
        }),
      pass: async (options: { signal: AbortSignal }) => options.signal.aborted,
    });
    const abort = new AbortController();
    const waiting = bridge.call(ask('wait', { signal: abort.signal }));
    expect(await bridge.call(ask('pass', { signal: abort.signal }))).toBe(false);
    abort.abort(new RangeError('enough'));
    await expect(waiting).rejects.toMatchObject({ name: 'RangeError', message: 'enough' });
    await expect(bridge.call(ask('pass', { signal: abort.signal }))).rejects.toThrow('enough');
  });

  test('with what cannot travel rejects, on the way there and on the way back', async () => {
    const bridge = bridgeTo({ make: async () => () => 1, none: undefined });
    await expect(bridge.call(ask('make', () => 1))).rejects.toThrow(/could not be cloned/);
    await expect(bridge.call(ask('make'))).rejects.toThrow(/could not be cloned/);
    await expect(bridge.call(ask('none'))).rejects.toThrow('client has no none');
  });

  test("cut off by the other side's end has an unknown outcome, a later one none", async () => {
    const bridge = bridgeTo({ wait: () => new Promise(() => undefined) });
    const waiting = bridge.call(ask('wait'));
    bridge.close(new Error('the thread died'));
    await expect(waiting).rejects.toMatchObject({
      name: 'ProposeFailed',
      mayHaveBeenApplied: true,
      cause: { message: 'the thread died' },
    });
    await expect(bridge.call(ask('wait'))).rejects.toMatchObject({ name: 'Stopped' });
  });
});

describe('an iteration', () => {
  test('gives one item for each that is asked for, and ends over there when left', async () => {
    const log: string[] = [];
    const bridge = bridgeTo({ count: () => counting(log) });
    const seen: unknown[] = [];
    for await (const item of bridge.iterate(ask('count'))) {
      seen.push(item);
      if (seen.length === 3) break;
    }
    expect(seen).toEqual([1, 2, 3]);
    await expect.poll(() => log).toEqual(['ended']);
  });

  test('ends with its source, throws what that throws, and hears an abort', async () => {
    const log: string[] = [];
    const bridge = bridgeTo({
      two: async function* () {
        yield* [1, 2];
      },
      count: ({ signal }: { signal: AbortSignal }) => counting(log, signal),
    });
    const two: unknown[] = [];
    for await (const item of bridge.iterate(ask('two'))) two.push(item);
    expect(two).toEqual([1, 2]);
    const abort = new AbortController();
    const items = bridge.iterate(ask('count', { signal: abort.signal }));
    expect(await items.next()).toEqual({ done: false, value: 1 });
    abort.abort(new Error('enough'));
    await expect(items.next()).rejects.toThrow('enough');
    expect(log).toEqual(['ended']);
  });
});

test('bytes travel without the rest of their buffer', () => {
  const pool = new ArrayBuffer(8_192);
  const view = new Uint8Array(pool, 16, 4).fill(7);
  const sent = ownBytes({ list: [view, 'text'], none: null }) as { list: [Uint8Array, string] };
  expect(sent).toEqual({ list: [new Uint8Array([7, 7, 7, 7]), 'text'], none: null });
  expect(sent.list[0].buffer.byteLength).toBe(4);
  expect(ownBytes(Buffer.from('short'))).toMatchObject({ buffer: { byteLength: 5 } });
});

test('what is no error of ours keeps its name, message, stack and cause', () => {
  const error = new TypeError('wrong', { cause: 'text' });
  const copy = unpackError(packError(error));
  expect(copy).toMatchObject({ name: 'TypeError', message: 'wrong', stack: error.stack });
  expect(copy.cause).toMatchObject({ message: 'text' });
  const config = unpackError(packError(new ConfigError([{ message: 'a' }, { message: 'b' }])));
  expect(config).toBeInstanceOf(ConfigError);
  expect(config.message).toBe('2 problems in the configuration:\na\nb');
});
