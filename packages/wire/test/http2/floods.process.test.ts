import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { scaled } from '../../../../tools/test-scale.ts';
import { GrpcNetwork } from '../../src/grpc/grpc-network.ts';
import type { NetworkOptions } from '../../src/grpc/network-options.ts';
import { FourKinds, isFourKindsStream } from '../grpc/four-kinds.ts';
import { realParts } from '../grpc/real-parts.ts';
import { frame, RawPeer, setting, uint32 } from './raw-peer.ts';
import { socketByteNetwork } from './socket-byte-stream.ts';

// What a hostile peer leaves behind: nothing, and an honest client that is served all the same.

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Of what is still in use, once everything that ends by itself has ended. */
async function usedBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    await delay(20);
    collectGarbage();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

const echo = 'test.Service/Echo';
const request = (path: string): string[] => [
  ...[':method', 'POST', ':scheme', 'http', ':path', `/${path}`],
  ...['content-type', 'application/grpc'],
];
const message = Buffer.concat([Buffer.from([0]), uint32(5), Buffer.from('hello')]);
const countOf100 = Buffer.concat([Buffer.from([0]), uint32(4), Buffer.from('1000')]);

type Flood = (peer: RawPeer) => Promise<void>;

/** Sends part after part until the server has had enough. */
async function send(peer: RawPeer, count: number, part: (at: number) => Buffer): Promise<void> {
  for (let at = 0; at < count && !peer.isClosed; at++) {
    peer.send(part(at));
    if (at % 256 === 0) await delay(0);
  }
}

const floods: Readonly<Record<string, Flood>> = {
  'rapid reset': (peer) =>
    send(peer, 20_000, (at) => {
      const id = 2 * at + 1;
      return Buffer.concat([peer.headers(id, request(echo), 4), frame(3, 0, id, uint32(8))]);
    }),
  CONTINUATION: (peer) =>
    send(peer, 5_000, (at) => frame(at === 0 ? 1 : 9, 0, 1, Buffer.alloc(16_000, 0x82))),
  SETTINGS: (peer) => send(peer, 20_000, () => frame(4, 0, 0, setting(3, 100))),
  PING: (peer) => send(peer, 20_000, () => frame(6, 0, 0, Buffer.alloc(8))),
  'empty DATA': (peer) =>
    send(peer, 20_000, (at) => (at === 0 ? peer.headers(1, request(echo)) : frame(0, 0, 1))),
  'a window of nothing': async (peer) => {
    peer.send(frame(4, 0, 0, setting(4, 0)));
    await send(peer, 500, (at) =>
      Buffer.concat([
        peer.headers(2 * at + 1, request('test.Service/StreamCount')),
        frame(0, 1, 2 * at + 1, countOf100),
      ]),
    );
    await delay(1_500);
  },
  'headers byte by byte': async (peer) => {
    const whole = peer.headers(1, request(echo));
    for (let at = 0; at < whole.length - 1 && !peer.isClosed; at++) {
      peer.send(whole.subarray(at, at + 1));
      await delay(20);
    }
    await delay(1_000);
  },
  'half a request on each of 1,000 streams': async (peer) => {
    await send(peer, 1_000, (at) =>
      Buffer.concat([
        peer.headers(2 * at + 1, request(echo)),
        frame(0, 0, 2 * at + 1, message.subarray(0, 7)),
      ]),
    );
    await delay(500);
  },
};

const options: NetworkOptions = {
  isStream: isFourKindsStream,
  answerStallTimeoutMs: 800,
  requestReadTimeoutMs: 800,
  answerBudgetBytes: 16 * 1024 * 1024,
  http2: { headersTimeoutMs: 500 },
};

const repetitions = scaled({ gate: 3, long: 20 });

test.each(Object.entries(floods))(
  'after a flood of %s the memory is as before, and an honest client was served',
  async (name, flood) => {
    const network = new GrpcNetwork(realParts, socketByteNetwork, options);
    const listener = await network.listen('127.0.0.1:0', new FourKinds());
    const honest = network.connect(listener.address);
    const ask = (): Promise<unknown> => honest.call(echo, message, { deadlineMs: 20_000 });
    const round = async (): Promise<number> => {
      const peer = new RawPeer();
      peer.stream = socketByteNetwork.connect(listener.address, peer);
      peer.hello();
      let worstMs = 0;
      let isOver = false;
      const served = (async () => {
        while (!isOver) {
          const startedMs = performance.now();
          await ask();
          worstMs = Math.max(worstMs, performance.now() - startedMs);
          await delay(5);
        }
      })();
      await flood(peer);
      peer.stream.destroy();
      isOver = true;
      await served;
      return worstMs;
    };
    await round();
    const before = await usedBytes();
    const after: number[] = [];
    let worstMs = 0;
    for (let at = 0; at < repetitions; at++) {
      worstMs = Math.max(worstMs, await round());
      after.push(await usedBytes());
    }
    const parts = after.map((bytes) => Math.round((100 * bytes) / before));
    process.stdout.write(
      `${name}: memory ${parts.join('%, ')}%, honest ${worstMs.toFixed(0)} ms\n`,
    );
    expect(Math.max(...parts)).toBeLessThanOrEqual(110);
    // It does not grow with each of them.
    expect((after.at(-1) ?? 0) / (after.at(-2) ?? 1)).toBeLessThan(1.05);
    expect(listener.heldBytes).toEqual({ requests: 0, answers: 0 });
    await ask();
    await network.close();
  },
);

/** Two files each, of which usual machines allow a process some 20,000. */
const connections = scaled({ gate: 1_000, long: 9_500 });
/** 11 KiB are measured, with the client's side, which is in this process as well. */
const bytesEachMax = 24_576;

test('an idle connection costs little, and nothing once it is gone', async () => {
  const network = new GrpcNetwork(realParts, socketByteNetwork, {
    ...{ ...options, connectionsMax: 20_000 },
  });
  const listener = await network.listen('127.0.0.1:0', new FourKinds());
  const round = async (): Promise<readonly [number, number]> => {
    const before = await usedBytes();
    const peers: RawPeer[] = [];
    for (let at = 0; at < connections; at++) {
      const peer = new RawPeer();
      peers.push(peer);
      peer.stream = socketByteNetwork.connect(listener.address, peer);
      peer.hello();
      while (at % 100 === 99 && peer.frames.length < 2) await delay(1);
    }
    while (peers.some(({ frames }) => frames.length < 2)) await delay(5);
    const each = ((await usedBytes()) - before) / connections;
    for (const { stream } of peers.splice(0)) stream.destroy();
    await delay(500);
    return [each, (await usedBytes()) - before];
  };
  await round();
  const [each, left] = await round();
  process.stdout.write(`${connections} idle connections: ${Math.round(each)} bytes each\n`);
  expect(each).toBeLessThan(bytesEachMax);
  expect(left / connections).toBeLessThan(500);
  await network.close();
});
