import { expect, test } from 'vitest';
import type { BatchSource } from './batch-reader.ts';
import { BatchReader } from './batch-reader.ts';

/** A source that hands out what a test puts in. */
class List implements BatchSource<string> {
  readonly batches: string[] = [];
  closed = 0;
  onTake: () => void = () => undefined;

  take(): string | undefined {
    this.onTake();
    return this.batches.shift();
  }

  close(): void {
    this.closed += 1;
  }
}

function setUp(signal?: AbortSignal): { list: List; reader: BatchReader<string> } {
  const list = new List();
  return { list, reader: new BatchReader<string>(list, signal) };
}

const done = { done: true, value: undefined };

test('what waits is read at once, what comes later in the order of the asking', async () => {
  const { list, reader } = setUp();
  list.batches.push('a');
  expect(await reader.next()).toEqual({ done: false, value: 'a' });
  const waiting = [reader.next(), reader.next()];
  list.batches.push('b');
  reader.wake();
  const third = reader.next();
  list.batches.push('c', 'd');
  reader.wake();
  const values = (await Promise.all([...waiting, third])).map(({ value }) => value);
  expect(values).toEqual(['b', 'c', 'd']);
});

test('a failure goes to the first that waits, and the others hear of the end', async () => {
  const { list, reader } = setUp();
  const waiting = [reader.next(), reader.next()];
  reader.fail(new Error('gone'));
  await expect(waiting[0]).rejects.toThrow('gone');
  expect(await waiting[1]).toEqual(done);
  expect(await reader.next()).toEqual(done);
  expect(list.closed).toBe(1);
});

// Seeds 5010 and 5018 of the swarm: the waiter was gone when its answer was there.
test('a source that fails while it is asked fails whoever waits', async () => {
  const { list, reader } = setUp();
  const waiting = reader.next();
  list.onTake = () => reader.fail(new Error('gone'));
  reader.wake();
  await expect(waiting).rejects.toThrow('gone');
  expect(await reader.next()).toEqual(done);
});

test('leaving the loop closes the source once, and lets go of the signal', async () => {
  const controller = new AbortController();
  const { list, reader } = setUp(controller.signal);
  list.batches.push('a', 'b');
  for await (const batch of reader) {
    expect(batch).toBe('a');
    break;
  }
  controller.abort();
  expect(list.closed).toBe(1);
  expect(await reader.next()).toEqual(done);
});

test('aborting ends what waits, and a signal that has fired ends the first read', async () => {
  const controller = new AbortController();
  const { list, reader } = setUp(controller.signal);
  const waiting = reader.next();
  controller.abort();
  expect(await waiting).toEqual(done);
  const late = setUp(controller.signal);
  late.list.batches.push('a');
  expect(await late.reader.next()).toEqual(done);
  expect([list.closed, late.list.closed]).toEqual([1, 1]);
});
