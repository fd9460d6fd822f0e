import { once } from 'node:events';
import { createServer } from 'node:net';
import { StatusError } from '@d-engine/base';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type Bench,
  deadAddress,
  delay,
  portOf,
  Recorder,
  startBench,
  startProxy,
} from './test/network-kit.ts';

const echo = 'test.Service/Echo';
const never = 'test.Service/Never';
const slow = 'test.Service/Slow';
const streamEcho = 'test.Service/StreamEcho';
const streamOpen = 'test.Service/StreamOpen';
const text = (value: string): Uint8Array => Buffer.from(value);
const deadlineMs = 5_000;

const benches: Bench[] = [];
const bench = async (...args: Parameters<typeof startBench>): Promise<Bench> => {
  const started = await startBench(...args);
  benches.push(started);
  return started;
};
afterEach(async () => {
  for (const { network } of benches.splice(0)) await network.close();
});

async function failureOf(outcome: Promise<unknown>): Promise<StatusError> {
  try {
    await outcome;
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error('the call did not fail');
}

describe('a call', () => {
  test('brings message, metadata, deadline and host there, and an answer back', async () => {
    const { network, listener, service } = await bench();
    const channel = network.connect(listener.address);
    const metadata = { 'x-sent': 'hello there' };
    const answer = await channel.call(echo, text('abc'), { deadlineMs, metadata });
    expect(Buffer.from(answer.message).toString()).toBe('abc');
    expect(answer.metadata).toEqual({ 'x-seen': 'hello there' });
    const [call] = service.calls;
    expect(call).toMatchObject({ method: echo, localHost: '127.0.0.1', metadata });
    expect(call?.deadlineMs).toBeGreaterThan(deadlineMs - 1_000);
    expect(call?.deadlineMs).toBeLessThanOrEqual(deadlineMs);
  });

  test('of no bytes has an answer of no bytes', async () => {
    const { network, listener } = await bench();
    const answer = await network.connect(listener.address).call(echo, text(''), { deadlineMs });
    expect(answer.message).toHaveLength(0);
  });

  test('that the service fails brings status, message and metadata', async () => {
    const { network, listener } = await bench();
    const channel = network.connect(listener.address);
    const failure = await failureOf(channel.call('test.Service/Fail', text('x'), { deadlineMs }));
    expect(failure).toMatchObject({
      status: 'failedPrecondition',
      message: 'not the leader: 100 % „no“\n',
      metadata: { 'x-raft-leader': '{"leader_id":2}' },
      mayHaveBeenSent: true,
    });
  });

  test('never hangs past its deadline', async () => {
    const { network, listener } = await bench();
    const started = performance.now();
    const call = network.connect(listener.address).call(never, text('x'), { deadlineMs: 100 });
    expect(await failureOf(call)).toMatchObject({
      status: 'deadlineExceeded',
      mayHaveBeenSent: true,
    });
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  test('can be given up, before and after it left', async () => {
    const { network, listener } = await bench();
    const channel = network.connect(listener.address);
    const aborted = channel.call(echo, text('x'), { deadlineMs, signal: AbortSignal.abort() });
    expect(await failureOf(aborted)).toMatchObject({ status: 'cancelled', mayHaveBeenSent: false });
    await channel.call(echo, text('x'), { deadlineMs });
    const controller = new AbortController();
    const call = channel.call(never, text('x'), { deadlineMs, signal: controller.signal });
    setTimeout(() => controller.abort(), 30);
    expect(await failureOf(call)).toMatchObject({ status: 'cancelled', mayHaveBeenSent: true });
  });

  test('carries one of 1,000 at a time', async () => {
    const { network, listener } = await bench();
    const channel = network.connect(listener.address);
    const calls = Array.from({ length: 1_000 }, (_, index) =>
      channel.call(echo, text(`call ${index}`), { deadlineMs: 20_000 }),
    );
    const answers = await Promise.all(calls);
    expect(answers.map(({ message }) => Buffer.from(message).toString())).toEqual(
      Array.from({ length: 1_000 }, (_, index) => `call ${index}`),
    );
  });

  test('takes a request up to the limit, not over it', async () => {
    const { network, listener, service } = await bench({ requestBytesMax: () => 100_000 });
    const channel = network.connect(listener.address);
    const fits = await channel.call(echo, Buffer.alloc(100_000, 7), { deadlineMs });
    expect(fits.message).toHaveLength(100_000);
    const failure = await failureOf(channel.call(echo, Buffer.alloc(100_001), { deadlineMs }));
    expect(failure).toMatchObject({ status: 'resourceExhausted' });
    expect(failure.message).toContain('100001 bytes is over the limit of 100000');
    expect(service.calls).toHaveLength(1);
  });

  test('whose answer is over the limit fails as an invalid response', async () => {
    const { network, listener } = await bench({ answerBytesMax: 10 });
    const call = network.connect(listener.address).call(echo, Buffer.alloc(11), { deadlineMs });
    expect(await failureOf(call)).toMatchObject({ status: 'internal', mayHaveBeenSent: true });
  });

  test('with bad metadata or address is refused before anything is sent', async () => {
    const { network, listener } = await bench();
    const channel = network.connect(listener.address);
    for (const metadata of [
      { 'grpc-status': '0' },
      { 'x-y': 'ü' },
      { 'X-Y': 'y' },
      { ':path': '/' },
    ]) {
      const failure = await failureOf(channel.call(echo, text('x'), { deadlineMs, metadata }));
      expect(failure).toMatchObject({ status: 'invalidArgument', mayHaveBeenSent: false });
    }
    const nowhere = network.connect('no address').call(echo, text('x'), { deadlineMs });
    expect(await failureOf(nowhere)).toMatchObject({ status: 'invalidArgument' });
  });
});

describe('a connection', () => {
  test('that is refused fails at once, and the next use dials again', async () => {
    const { network, service } = await bench();
    const address = await deadAddress();
    const channel = network.connect(address);
    const started = performance.now();
    const failure = await failureOf(channel.call(echo, text('x'), { deadlineMs }));
    expect(failure).toMatchObject({ status: 'unavailable', mayHaveBeenSent: false });
    expect(failure.message).toBe(`cannot connect to ${address}: ECONNREFUSED`);
    expect(performance.now() - started).toBeLessThan(1_000);
    const listener = await network.listen(address, service);
    const answer = await channel.call(echo, text('now'), { deadlineMs });
    expect(Buffer.from(answer.message).toString()).toBe('now');
    await listener.close(0);
  });

  test('to a silent server is given up in time, with nothing sent', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { network } = await bench();
    const bound = silent.address() as { port: number };
    const channel = network.connect(`127.0.0.1:${bound.port}`, { connectTimeoutMs: 100 });
    const recorder = new Recorder();
    const stream = channel.openStream(streamOpen, recorder);
    stream.send(text('x'));
    const failure = await failureOf(channel.call(echo, text('x'), { deadlineMs }));
    expect(failure).toMatchObject({ status: 'unavailable', mayHaveBeenSent: false });
    expect(failure.message).toContain('no answer within 100 ms');
    expect(await recorder.closed).toMatchObject({ status: 'unavailable' });
    silent.close();
  });

  test('a call that waits for it keeps its deadline', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { network } = await bench();
    const bound = silent.address() as { port: number };
    const call = network
      .connect(`127.0.0.1:${bound.port}`)
      .call(echo, text('x'), { deadlineMs: 80 });
    expect(await failureOf(call)).toMatchObject({
      status: 'deadlineExceeded',
      mayHaveBeenSent: false,
    });
    silent.close();
  });

  test('that breaks fails calls and streams as unavailable; the next use heals it', async () => {
    const { network, listener } = await bench();
    const proxy = await startProxy(listener.address);
    const channel = network.connect(proxy.address);
    const recorder = new Recorder();
    channel.openStream(streamOpen, recorder).send(text('x'));
    await channel.call(echo, text('x'), { deadlineMs });
    const call = channel.call(never, text('x'), { deadlineMs });
    await delay(30);
    proxy.close();
    expect(await failureOf(call)).toMatchObject({ status: 'unavailable', mayHaveBeenSent: true });
    expect(await recorder.closed).toMatchObject({ status: 'unavailable' });
    expect(await failureOf(channel.call(echo, text('x'), { deadlineMs }))).toMatchObject({
      status: 'unavailable',
      mayHaveBeenSent: false,
    });
  });

  test('that has gone silent is given up while calls are open', async () => {
    const { network, listener } = await bench({ keepAliveIntervalMs: 60, keepAliveTimeoutMs: 60 });
    const proxy = await startProxy(listener.address);
    const channel = network.connect(proxy.address);
    const recorder = new Recorder();
    channel.openStream(streamOpen, recorder).send(text('x'));
    await channel.call(echo, text('x'), { deadlineMs });
    await delay(300);
    expect(recorder.closes).toBe(0);
    proxy.freeze();
    expect(await recorder.closed).toMatchObject({ status: 'unavailable' });
    proxy.close();
  });

  test('of a closed channel is gone, and so are its calls', async () => {
    const { network, listener } = await bench();
    const channel = network.connect(listener.address);
    const recorder = new Recorder();
    channel.openStream(streamOpen, recorder);
    await channel.call(echo, text('x'), { deadlineMs });
    const call = channel.call(never, text('x'), { deadlineMs });
    channel.close();
    channel.close();
    expect(await failureOf(call)).toMatchObject({ status: 'cancelled', mayHaveBeenSent: true });
    expect(await recorder.closed).toMatchObject({ status: 'cancelled' });
    const late = new Recorder();
    channel.openStream(streamOpen, late);
    expect(late.closes).toBe(0);
    expect(await late.closed).toMatchObject({ status: 'cancelled' });
    expect(await failureOf(channel.call(echo, text('x'), { deadlineMs }))).toMatchObject({
      status: 'cancelled',
      mayHaveBeenSent: false,
    });
  });
});

describe('a listener', () => {
  test('names the address when the port is taken', async () => {
    const { network, listener, service } = await bench();
    const second = network.listen(listener.address, service);
    const failure = await failureOf(second);
    expect(failure.status).toBe('unavailable');
    expect(failure.message).toContain(`${listener.address}: the port is taken`);
    expect(portOf(listener.address)).toBeGreaterThan(0);
  });

  test('that closes lets a call finish, and refuses new ones unsent', async () => {
    const { network, listener } = await bench();
    const channel = network.connect(listener.address);
    await channel.call(echo, text('x'), { deadlineMs });
    const running = channel.call(slow, text('done'), { deadlineMs });
    await delay(30);
    const closed = listener.close(2_000);
    await delay(30);
    expect(await failureOf(channel.call(echo, text('x'), { deadlineMs }))).toMatchObject({
      status: 'unavailable',
      mayHaveBeenSent: false,
    });
    expect(Buffer.from((await running).message).toString()).toBe('done');
    await closed;
  });

  test('calls that cross its going away are either answered or known to be unsent', async () => {
    const { network, listener } = await bench();
    const channel = network.connect(listener.address);
    await channel.call(echo, text('x'), { deadlineMs });
    const outcomes: Promise<string>[] = [];
    for (let round = 0; round < 200; round++) {
      const call = channel.call(echo, text(`${round}`), { deadlineMs });
      outcomes.push(
        call.then(
          () => 'answered',
          (error: unknown) => `sent ${(error as StatusError).mayHaveBeenSent}`,
        ),
      );
      if (round === 100) listener.close(2_000).catch(() => undefined);
      if (round % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const seen = new Set(await Promise.all(outcomes));
    expect([...seen].filter((outcome) => outcome === 'sent true')).toEqual([]);
    expect(seen).toContain('answered');
  });

  test('cuts off what is still open after the grace', async () => {
    const { network, listener } = await bench();
    const channel = network.connect(listener.address);
    const recorder = new Recorder();
    channel.openStream(streamOpen, recorder).send(text('x'));
    await channel.call(echo, text('x'), { deadlineMs });
    const started = performance.now();
    await listener.close(100);
    await listener.close(100);
    expect(performance.now() - started).toBeLessThan(1_500);
    expect(await recorder.closed).toMatchObject({ status: 'unavailable' });
  });
});

describe('a stream', () => {
  test('keeps messages whole and in order, both ways, and ends in good order', async () => {
    const { network, listener, service } = await bench();
    const recorder = new Recorder();
    const stream = network.connect(listener.address).openStream(streamEcho, recorder, {
      metadata: { 'x-plane': 'data' },
    });
    const sizes = Array.from({ length: 500 }, (_, index) => (index * 37) % 2_000);
    for (const size of sizes) stream.send(Buffer.alloc(size, size));
    const { stream: incoming, recorder: server } = await service.nextStream();
    expect(incoming).toMatchObject({ method: streamEcho, metadata: { 'x-plane': 'data' } });
    while (recorder.messages.length < sizes.length) await delay(5);
    expect(recorder.messages.map((message) => message.length)).toEqual(sizes);
    stream.end();
    expect(stream.send(text('late'))).toBe(false);
    await delay(50);
    expect([server.closes, recorder.closes]).toEqual([0, 0]);
    incoming.send(text('last'));
    incoming.end();
    expect(await recorder.closed).toBeUndefined();
    expect(await server.closed).toBeUndefined();
    expect(Buffer.from(recorder.messages.at(-1) ?? []).toString()).toBe('last');
  });

  test('may be ended by the server first; the client goes on until it ends too', async () => {
    const { network, listener, service } = await bench();
    const recorder = new Recorder();
    const stream = network.connect(listener.address).openStream(streamOpen, recorder);
    stream.send(text('one'));
    const { stream: incoming, recorder: server } = await service.nextStream();
    incoming.end();
    await delay(50);
    stream.send(text('two'));
    await delay(50);
    expect(server.messages.map((message) => Buffer.from(message).toString())).toEqual([
      'one',
      'two',
    ]);
    expect([server.closes, recorder.closes]).toEqual([0, 0]);
    stream.end();
    expect(await recorder.closed).toBeUndefined();
    expect(await server.closed).toBeUndefined();
  });

  test('carries messages of 8 MiB', { timeout: 30_000 }, async () => {
    const { network, listener } = await bench();
    const size = 8 * 1024 * 1024;
    const recorder = new Recorder();
    const options = { requestBytesMax: () => size, answerBytesMax: size };
    const big = await bench(options);
    const stream = big.network.connect(big.listener.address).openStream(streamEcho, recorder);
    for (let round = 1; round <= 3; round++) {
      stream.send(Buffer.alloc(size, round));
      while (recorder.messages.length < round) await delay(5);
    }
    expect(recorder.messages.map((message) => [message.length, message[size - 1]])).toEqual([
      [size, 1],
      [size, 2],
      [size, 3],
    ]);
    const refused = new Recorder();
    network.connect(listener.address).openStream(streamEcho, refused).send(Buffer.alloc(size));
    expect(await refused.closed).toMatchObject({ status: 'resourceExhausted' });
  });

  test('holds the sender back while the receiver pauses, and loses nothing', async () => {
    const { network, listener, service } = await bench({ sendBufferBytes: 256 * 1024 });
    const recorder = new Recorder();
    const stream = network.connect(listener.address).openStream(streamOpen, recorder);
    stream.send(text('first'));
    const { stream: incoming, recorder: server } = await service.nextStream();
    incoming.pause();
    let sent = 1;
    // Until it stays held back: windows and socket buffers take some megabytes first.
    for (let drains = -1; drains !== recorder.drains; ) {
      drains = recorder.drains;
      while (stream.send(Buffer.alloc(64 * 1024, sent))) sent += 1;
      sent += 1;
      await delay(100);
    }
    expect(sent * 64).toBeLessThan(32 * 1024);
    expect(server.messages.length).toBeLessThan(sent);
    const { drains } = recorder;
    incoming.resume();
    while (server.messages.length < sent) await delay(5);
    expect(recorder.drains).toBe(drains + 1);
    expect(server.messages.slice(1).map((message) => message[0])).toEqual(
      Array.from({ length: sent - 1 }, (_, index) => (index + 1) % 256),
    );
  });

  test('delivers nothing while paused, not even messages that came in one piece', async () => {
    const { network, listener, service } = await bench();
    const recorder = new Recorder();
    const stream = network.connect(listener.address).openStream(streamOpen, recorder);
    service.pauseAtMessage = 3;
    for (let index = 0; index < 10; index++) stream.send(text(`${index}`));
    stream.end();
    const { stream: incoming, recorder: server } = await service.nextStream();
    await delay(50);
    expect(server.messages).toHaveLength(3);
    incoming.resume();
    await delay(50);
    expect(server.messages).toHaveLength(10);
  });

  test.each([['early'], ['late']])(
    'a reset by the client (%s) tells the server the status',
    async (when) => {
      const { network, listener, service } = await bench();
      const recorder = new Recorder();
      const stream = network.connect(listener.address).openStream(streamOpen, recorder);
      stream.send(text('x'));
      const { recorder: server } = await service.nextStream();
      if (when === 'late') await delay(50);
      const failure = { status: 'aborted', message: 'another hello came' } as const;
      stream.reset(failure);
      stream.reset(failure);
      expect(recorder.closes).toBe(0);
      expect(await recorder.closed).toMatchObject(failure);
      // RST_STREAM carries a code and no text.
      expect(await server.closed).toMatchObject({ status: failure.status });
      await delay(50);
      expect([server.closes, recorder.closes]).toEqual([1, 1]);
      expect(stream.send(text('y'))).toBe(false);
    },
  );

  test('a reset by the server tells the client why, behind a last message', async () => {
    const { network, listener, service } = await bench();
    const recorder = new Recorder();
    const stream = network.connect(listener.address).openStream(streamOpen, recorder);
    stream.send(text('x'));
    const { stream: incoming, recorder: server } = await service.nextStream();
    incoming.send(text('hello refused'));
    const failure = { status: 'failedPrecondition', message: 'wrong cluster' } as const;
    incoming.reset(failure);
    expect(await server.closed).toMatchObject(failure);
    expect(await recorder.closed).toMatchObject(failure);
    expect(Buffer.from(recorder.messages[0] ?? []).toString()).toBe('hello refused');
    await delay(50);
    expect([server.closes, recorder.closes]).toEqual([1, 1]);
  });

  test('a reset gets through although the receiver has paused', async () => {
    const { network, listener, service } = await bench();
    const recorder = new Recorder();
    const stream = network.connect(listener.address).openStream(streamOpen, recorder);
    stream.send(text('x'));
    const { stream: incoming, recorder: server } = await service.nextStream();
    incoming.pause();
    while (stream.send(Buffer.alloc(1024 * 1024))) await delay(1);
    stream.reset({ status: 'aborted', message: 'too slow' });
    expect((await server.closed)?.status).toBeDefined();
    expect(await recorder.closed).toMatchObject({ status: 'aborted' });
  });

  test('that the service refuses closes with its failure', async () => {
    const { network, listener, service } = await bench();
    service.refuseStreams = { status: 'unimplemented', message: 'no such stream' };
    const recorder = new Recorder();
    network.connect(listener.address).openStream(streamOpen, recorder);
    expect(await recorder.closed).toMatchObject({
      status: 'unimplemented',
      message: 'no such stream',
    });
  });
});
