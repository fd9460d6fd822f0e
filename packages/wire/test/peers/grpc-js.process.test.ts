import {
  type Client,
  type ClientDuplexStream,
  compressionAlgorithms,
  credentials,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from 'vitest';
import { GrpcNetwork } from '../../src/grpc/grpc-network.ts';
import { FourKinds, isFourKindsStream } from '../grpc/four-kinds.ts';
import { Recorder } from '../grpc/grpc-kit.ts';
import { realParts } from '../grpc/real-parts.ts';
import { socketByteNetwork } from '../http2/socket-byte-stream.ts';

// Another implementation of gRPC on both sides: grpc-js, on the HTTP/2 of Node.

const large = 4 * 1024 * 1024;
const messageBytesMax = 2 * large;
const deadlineMs = 30_000;
const cleanUps: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

function method(
  name: string,
  requestStream: boolean,
  responseStream: boolean,
): MethodDefinition<Buffer, Buffer> {
  const same = (message: Buffer): Buffer => message;
  return {
    path: `/test.Service/${name}`,
    ...{ requestStream, responseStream },
    ...{ requestSerialize: same, requestDeserialize: same },
    ...{ responseSerialize: same, responseDeserialize: same },
  };
}

const service = {
  Echo: method('Echo', false, false),
  Never: method('Never', false, false),
  Aborted: method('Aborted', false, false),
  Fail: method('Fail', false, false),
  StreamCount: method('StreamCount', false, true),
  StreamSum: method('StreamSum', true, false),
  StreamEcho: method('StreamEcho', true, true),
  StreamOpen: method('StreamOpen', true, true),
} satisfies ServiceDefinition;

function makeNetwork(): GrpcNetwork {
  const network = new GrpcNetwork(realParts, socketByteNetwork, {
    isStream: isFourKindsStream,
    requestBytesMax: () => messageBytesMax,
    compression: () => 'gzip',
  });
  cleanUps.push(() => network.close());
  return network;
}

function pattern(size: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, (_, at) => (at * at) >> 4));
}

async function drain(stream: AsyncIterable<unknown>): Promise<Buffer[]> {
  const messages: Buffer[] = [];
  for await (const message of stream) messages.push(message as Buffer);
  return messages;
}

describe('the client of grpc-js and our server', () => {
  type Unary = (error: ServiceError | null, answer?: Buffer) => void;
  async function start(options: object = {}): Promise<Client> {
    const listener = await makeNetwork().listen('127.0.0.1:0', new FourKinds());
    const Constructor = makeGenericClientConstructor(service, 'test.Service');
    const client = new Constructor(listener.address, credentials.createInsecure(), {
      'grpc.max_receive_message_length': messageBytesMax,
      ...options,
    });
    cleanUps.push(() => client.close());
    return client;
  }

  function call(
    client: Client,
    name: keyof typeof service,
    request: Buffer,
    options: { metadata?: Metadata; deadline?: number; cancelAfterMs?: number } = {},
  ): Promise<{ error: ServiceError | null; answer: Buffer | undefined; head: Metadata }> {
    const { path, requestSerialize, responseDeserialize } = service[name];
    return new Promise((resolve) => {
      let head = new Metadata();
      const done: Unary = (error, answer) => resolve({ error, answer, head });
      const sent = client.makeUnaryRequest(
        ...([path, requestSerialize, responseDeserialize, request] as const),
        ...([
          options.metadata ?? new Metadata(),
          { deadline: options.deadline ?? Date.now() + deadlineMs },
          done,
        ] as const),
      );
      sent.on('metadata', (got) => {
        head = got;
      });
      if (options.cancelAfterMs !== undefined)
        setTimeout(() => sent.cancel(), options.cancelAfterMs);
    });
  }

  function bidi(
    client: Client,
    name: keyof typeof service,
    deadline = Date.now() + deadlineMs,
  ): ClientDuplexStream<Buffer, Buffer> {
    const { path, requestSerialize, responseDeserialize } = service[name];
    return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, { deadline });
  }

  test.each([0, 1_000, large])(
    'a call of %i bytes, with metadata and bytes in it',
    async (size) => {
      const client = await start();
      const metadata = new Metadata();
      metadata.set('x-sent', 'a');
      metadata.set('x-sent-bin', Buffer.from([0, 1, 255]));
      const { error, answer, head } = await call(client, 'Echo', pattern(size), { metadata });
      expect(error).toBeNull();
      expect(answer?.equals(pattern(size))).toBe(true);
      expect(head.get('x-seen')).toEqual(['a']);
      expect(head.get('x-seen-bin')).toEqual([Buffer.from([0, 1, 255])]);
    },
  );

  test('gzip both ways, in calls and in streams', async () => {
    const client = await start({
      'grpc.default_compression_algorithm': compressionAlgorithms.gzip,
    });
    const request = Buffer.alloc(1_000_000, 5);
    const { answer } = await call(client, 'Echo', request);
    expect(answer?.equals(request)).toBe(true);
    const stream = bidi(client, 'StreamEcho');
    for (let at = 0; at < 20; at++) stream.write(Buffer.alloc(at * 1_000, at));
    stream.end();
    expect((await drain(stream)).map(({ length }) => length)).toEqual(
      Array.from({ length: 20 }, (_, at) => at * 1_000),
    );
  });

  test('streams of the server, of the client and of both', async () => {
    const client = await start();
    const { StreamCount: count, StreamSum: sum } = service;
    const counted = client.makeServerStreamRequest(
      count.path,
      count.requestSerialize,
      count.responseDeserialize,
      Buffer.from('5000'),
    );
    expect(await drain(counted)).toHaveLength(5_000);
    const summed = await new Promise<Buffer | undefined>((resolve, reject) => {
      const stream = client.makeClientStreamRequest(
        sum.path,
        sum.requestSerialize,
        sum.responseDeserialize,
        (error, answer) => (error === null ? resolve(answer) : reject(error)),
      );
      for (let at = 0; at < 1_000; at++) stream.write(Buffer.alloc(100));
      stream.end();
    });
    expect(String(summed)).toBe('1000 messages, 100000 bytes');
    const both = bidi(client, 'StreamEcho');
    for (let at = 0; at < 4; at++) both.write(pattern(large - at));
    both.end();
    const answers = await drain(both);
    expect(answers.every((answer, at) => answer.equals(pattern(large - at)))).toBe(true);
    expect(answers).toHaveLength(4);
  });

  test('a deadline, a call that is given up, and a failure with details', async () => {
    const client = await start();
    const late = await call(client, 'Never', pattern(1), { deadline: Date.now() + 100 });
    expect(late.error?.code).toBe(status.DEADLINE_EXCEEDED);
    const cancelled = await call(client, 'Never', pattern(1), { cancelAfterMs: 50 });
    expect(cancelled.error?.code).toBe(status.CANCELLED);
    const aborted = async (): Promise<string> =>
      String((await call(client, 'Aborted', pattern(1))).answer);
    while ((await aborted()) !== '2') await new Promise((resolve) => setTimeout(resolve, 5));
    const lateStream = bidi(client, 'StreamOpen', Date.now() + 100);
    await expect(drain(lateStream)).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
    const { error } = await call(client, 'Fail', pattern(1));
    expect(error).toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: 'not the leader: 100 % „no“',
    });
    const [details] = error?.metadata.get('grpc-status-details-bin') ?? [];
    expect(String(details)).toContain('NOT_LEADER');
  });

  test('1,000 calls and 1,000 streams at a time', async () => {
    const client = await start();
    const calls = Array.from({ length: 1_000 }, () => call(client, 'Echo', pattern(1_000)));
    expect((await Promise.all(calls)).every(({ answer }) => answer?.length === 1_000)).toBe(true);
    const streams = Array.from({ length: 1_000 }, (_, at) => {
      const stream = bidi(client, 'StreamEcho');
      stream.write(Buffer.alloc(at));
      stream.end();
      return drain(stream);
    });
    const sizes = (await Promise.all(streams)).map(([first]) => first?.length);
    expect(sizes).toEqual(Array.from({ length: 1_000 }, (_, at) => at));
  });
});

describe('our channel and the server of grpc-js', () => {
  const echo: handleUnaryCall<Buffer, Buffer> = (call, done) => {
    const head = new Metadata();
    head.set('x-seen-bin', call.metadata.get('x-sent-bin')[0] ?? Buffer.alloc(0));
    call.sendMetadata(head);
    done(null, call.request);
  };
  const never: handleUnaryCall<Buffer, Buffer> = (call) => {
    call.on('cancelled', () => {
      aborted += 1;
    });
  };
  let aborted = 0;
  const fail: handleUnaryCall<Buffer, Buffer> = (_, done) =>
    done({ code: status.ABORTED, details: '100 % „no“' });
  const count: handleServerStreamingCall<Buffer, Buffer> = (call) => {
    for (let left = Number(call.request.toString()); left > 0; left--) call.write(pattern(1_000));
    call.end();
  };
  const sum: handleClientStreamingCall<Buffer, Buffer> = (call, done) => {
    drain(call).then(
      (all) => done(null, Buffer.from(`${all.length} messages`)),
      (error: unknown) => done({ code: status.INTERNAL, details: String(error) }),
    );
  };
  const both: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    call.on('data', (message: Buffer) => call.write(message));
    call.on('end', () => call.end());
  };

  async function start(): Promise<string> {
    const server = new Server({
      'grpc.max_receive_message_length': messageBytesMax,
      'grpc.default_compression_algorithm': compressionAlgorithms.gzip,
    });
    server.addService(service, {
      ...{ Echo: echo, Never: never, Fail: fail, Aborted: fail },
      ...{ StreamCount: count, StreamSum: sum, StreamEcho: both, StreamOpen: both },
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    cleanUps.push(() => server.forceShutdown());
    return `127.0.0.1:${port}`;
  }

  async function closed(recorder: Recorder): Promise<void> {
    while (recorder.closes.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  test('calls, packed and plain, small and large, with bytes in their metadata', async () => {
    const channel = makeNetwork().connect(await start());
    for (const size of [0, 1_000, large]) {
      for (const options of [{}, { compression: 'gzip' as const }]) {
        const metadata = { 'x-sent-bin': 'AAH/' };
        const sent = pattern(size);
        const { message, metadata: head } = await channel.call('test.Service/Echo', sent, {
          ...{ deadlineMs, metadata, ...options },
        });
        expect(sent.equals(message)).toBe(true);
        expect(head['x-seen-bin']).toBe('AAH/');
      }
    }
  });

  test('streams of the server, of the client and of both', async () => {
    const channel = makeNetwork().connect(await start());
    const run = async (name: string, messages: readonly Buffer[]): Promise<Recorder> => {
      const recorder = new Recorder();
      const stream = channel.openStream(`test.Service/${name}`, recorder, {
        ...{ deadlineMs, compression: 'gzip' },
      });
      for (const message of messages) stream.send(message);
      stream.end();
      await closed(recorder);
      expect(recorder.closes).toEqual([undefined]);
      return recorder;
    };
    expect((await run('StreamCount', [Buffer.from('500')])).messages).toHaveLength(500);
    const hundred = Array.from({ length: 100 }, (_, at) => pattern(at * 100));
    const sum = await run('StreamSum', hundred);
    expect(sum.messages.map(String)).toEqual(['100 messages']);
    const echoed = await run('StreamEcho', [...hundred, pattern(large)]);
    expect(echoed.messages.map(({ length }) => length)).toEqual([
      ...hundred.map(({ length }) => length),
      large,
    ]);
  });

  test('a deadline, a call that is given up, and a failure', async () => {
    const channel = makeNetwork().connect(await start());
    const controller = new AbortController();
    const late = channel.call('test.Service/Never', pattern(1), { deadlineMs: 100 });
    await expect(late).rejects.toMatchObject({ status: 'deadlineExceeded' });
    const given = channel.call('test.Service/Never', pattern(1), {
      ...{ deadlineMs, signal: controller.signal },
    });
    setTimeout(() => controller.abort(), 50);
    await expect(given).rejects.toMatchObject({ status: 'cancelled' });
    while (aborted < 2) await new Promise((resolve) => setTimeout(resolve, 2));
    const failed = channel.call('test.Service/Fail', pattern(1), { deadlineMs });
    await expect(failed).rejects.toMatchObject({ status: 'aborted', message: '100 % „no“' });
  });

  test('1,000 calls and 1,000 streams at a time', async () => {
    const channel = makeNetwork().connect(await start());
    const calls = Array.from({ length: 1_000 }, (_, at) =>
      channel.call('test.Service/Echo', Buffer.alloc(at), { deadlineMs }),
    );
    const answers = await Promise.all(calls);
    expect(answers.map(({ message }) => message.length)).toEqual(calls.map((_, at) => at));
    const recorders = calls.map((_, at) => {
      const recorder = new Recorder();
      const stream = channel.openStream('test.Service/StreamEcho', recorder);
      stream.send(Buffer.alloc(at));
      stream.end();
      return recorder;
    });
    for (const recorder of recorders) await closed(recorder);
    expect(recorders.map(({ messages: [first] }) => first?.length)).toEqual(
      calls.map((_, at) => at),
    );
  });
});
