import type { Failure, MessageStream } from '@d-engine/base';
import { StatusError } from '@d-engine/base';
import { afterEach, expect, test } from 'vitest';
import { scaled } from '../../../../tools/test-scale.ts';
import {
  type Bench,
  delay,
  Recorder,
  startBench,
  startProxy,
  type TestProxy,
} from './test/network-kit.ts';

// A stream or a connection that goes away at a bad moment is what a codec gets wrong first.
const rounds = scaled({ gate: 30, long: 2_000 });
const benches: Bench[] = [];
afterEach(async () => {
  for (const { network } of benches.splice(0)) await network.close();
});

/** A small generator: the same seed makes the same round. */
function seeded(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 374761393) >>> 0;
    return state % below;
  };
}

const failure: Failure = { status: 'aborted', message: 'chaos' };

function disturb(stream: MessageStream, pick: (below: number) => number): void {
  const action = pick(8);
  if (action === 0) stream.reset(failure);
  else if (action === 1) stream.end();
  else if (action === 2) stream.pause();
  else if (action === 3) stream.resume();
  else stream.send(Buffer.alloc(pick(3) === 0 ? 300_000 : 200));
}

async function chaosRound(seed: number): Promise<void> {
  const pick = seeded(seed);
  const bench = await startBench({ sendBufferBytes: 64 * 1024 });
  benches.push(bench);
  const proxy: TestProxy = await startProxy(bench.listener.address);
  const channel = bench.network.connect(proxy.address);
  const recorders = Array.from({ length: 6 }, () => new Recorder());
  const streams = recorders.map((recorder, index) =>
    channel.openStream(`test.Service/Stream${index % 2 === 0 ? 'Echo' : 'Open'}`, recorder),
  );
  const controller = new AbortController();
  const calls = Array.from({ length: 20 }, (_, index) => {
    const method = `test.Service/${['Echo', 'Never', 'Slow', 'Fail'][index % 4]}`;
    const options = { deadlineMs: 1 + pick(120), signal: controller.signal };
    return channel.call(method, Buffer.alloc(pick(2) * 100_000), options).then(
      () => undefined,
      (error: unknown) => expect(error).toBeInstanceOf(StatusError),
    );
  });
  for (let step = 0; step < 40; step++) {
    const stream = streams[pick(streams.length)];
    if (stream !== undefined) disturb(stream, pick);
    const accepted = bench.service.accepted[pick(1 + bench.service.accepted.length)];
    if (accepted !== undefined) disturb(accepted.stream, pick);
    if (pick(3) === 0) await delay(pick(4));
  }
  if (pick(2) === 0) controller.abort();
  const ending = pick(4);
  if (ending === 0) channel.close();
  else if (ending === 1) proxy.close();
  else if (ending === 2) await bench.listener.close(pick(30));
  else for (const stream of streams) stream.reset(failure);
  // One that both sides have ended waits for its handler to take what has come.
  for (const stream of streams) stream.resume();
  await Promise.all(recorders.map((recorder) => recorder.closed));
  await Promise.all(calls);
  await bench.network.close();
  proxy.close();
  await delay(5);
  expect(recorders.map((recorder) => recorder.closes)).toEqual(recorders.map(() => 1));
}

test(
  'whatever happens to streams, each end closes once and the process lives',
  async () => {
    for (let seed = 1; seed <= rounds; seed++) await chaosRound(seed);
  },
  scaled({ gate: 60_000, long: 3_600_000 }),
);
