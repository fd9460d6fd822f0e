import type { IncomingStream, Service, StreamHandler } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import { VirtualWorld } from '@d-engine/virtual-env';
import { encodeNodeStatus, encodeSnapshotPart, methods, toFailure } from '@d-engine/wire';
import { expect, test } from 'vitest';
import type { Client } from '../src/index.ts';
import { createClient } from '../src/index.ts';
import { memberStatus, ourCluster } from './member-status.ts';

const otherCluster = 'b'.repeat(32);

type Script = (stream: IncomingStream) => Partial<StreamHandler>;

/** Members that answer a request for a snapshot by a script of their own. */
class Members {
  readonly world = new VirtualWorld({ seed: 1 });
  readonly asked: string[] = [];

  async add(name: string, script: Script, clusterId = ourCluster): Promise<void> {
    const service: Service = {
      onCall: (call) => call.reply(encodeNodeStatus(memberStatus({ clusterId }))),
      onStream: (stream) => {
        expect(stream.method).toBe(methods.saveSnapshot);
        this.asked.push(name);
        const nothing = (): undefined => undefined;
        return { onMessage: nothing, onClose: nothing, ...script(stream) };
      },
    };
    const listening = this.world.host(name).env.network.listen(`${name}:1`, service);
    await this.world.complete(listening);
  }

  connect(...names: readonly string[]): Client {
    return createClient({
      ...this.world.host('client').env,
      random: { ...this.world.host('client').env.random, float: () => 0 },
      endpoints: names.map((name) => `${name}:1`),
    });
  }
}

/** Parts with these bytes, then a good end unless told. */
function sends(bytes: readonly number[], end: (stream: IncomingStream) => void): Script {
  return (stream) => ({
    onMessage: () => {
      for (const byte of bytes) stream.send(encodeSnapshotPart({ data: Uint8Array.of(byte) }));
      end(stream);
    },
  });
}

const endsWell = (stream: IncomingStream): void => stream.end();

async function collect(parts: AsyncIterable<Uint8Array>): Promise<number[]> {
  const bytes: number[] = [];
  for await (const part of parts) bytes.push(...part);
  return bytes;
}

async function failureOf(world: VirtualWorld, promise: Promise<unknown>): Promise<unknown> {
  return world.complete(
    promise.then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
}

test('all parts arrive in order, however slowly they are read', async () => {
  const members = new Members();
  const bytes = Array.from({ length: 200 }, (_, number) => number);
  await members.add('n1', sends(bytes, endsWell));
  const client = members.connect('n1');
  const read: number[] = [];
  const { clock } = members.world.host('client').env;
  const slowly = async (): Promise<void> => {
    for await (const part of client.snapshot()) {
      read.push(...part);
      await new Promise<void>((resolve) => void clock.setTimer(3, resolve));
    }
  };
  await members.world.complete(slowly());
  expect(read).toEqual(bytes);
});

test('a member that cannot is passed over for one that can', async () => {
  const members = new Members();
  const busy = new DEngineError('RateLimited', 'another one is under way');
  await members.add(
    'n1',
    sends([], (stream) => stream.reset(toFailure(busy))),
  );
  await members.add('n2', sends([7], endsWell), otherCluster);
  await members.add('n3', sends([8], endsWell));
  const client = members.connect('n1', 'n2', 'n3');
  expect(await members.world.complete(collect(client.snapshot()))).toEqual([8]);
  // One of another cluster is not even asked.
  expect(members.asked).toEqual(['n1', 'n3']);
});

test('where nobody can, the error tells of each', async () => {
  const members = new Members();
  const full = new DEngineError('DiskFull', 'no room for it');
  await members.add(
    'n1',
    sends([], (stream) => stream.reset(toFailure(full))),
  );
  const client = members.connect('n1', 'gone');
  const error = await failureOf(members.world, collect(client.snapshot()));
  expect(error).toBeInstanceOf(DEngineError);
  expect(String(error)).toContain('no room for it');
  expect(String(error)).toContain('gone:1');
});

test('what breaks off is an error, and is not begun anew elsewhere', async () => {
  const members = new Members();
  const lost = { status: 'unavailable', message: 'the connection broke' } as const;
  await members.add(
    'n1',
    // After what was sent has arrived.
    sends([1, 2], (stream) => members.world.after(50, () => stream.reset(lost))),
  );
  await members.add('n2', sends([3], endsWell));
  const error = await failureOf(members.world, collect(members.connect('n1', 'n2').snapshot()));
  expect(error).toBeInstanceOf(DEngineError);
  expect(members.asked).toEqual(['n1']);
});

test('a member that falls silent is given up at the deadline', async () => {
  const members = new Members();
  await members.add(
    'n1',
    sends([1], () => undefined),
  );
  const parts = members.connect('n1').snapshot({ deadlineMs: 5_000 });
  const startedMs = members.world.nowMs;
  const error = await failureOf(members.world, collect(parts));
  expect(error).toMatchObject({ name: 'DeadlineExceeded' });
  expect(members.world.nowMs - startedMs).toBeLessThan(6_000);
});

test('whoever stops reading, aborts or closes ends the stream at the member', async () => {
  for (const stop of ['break', 'abort', 'close'] as const) {
    const members = new Members();
    let closed = 0;
    await members.add('n1', (stream) => ({
      ...sends([1, 2, 3], () => undefined)(stream),
      onClose: () => {
        closed += 1;
      },
    }));
    const client = members.connect('n1');
    const controller = new AbortController();
    const reading = async (): Promise<void> => {
      for await (const part of client.snapshot({ signal: controller.signal })) {
        if (stop === 'break') break;
        if (part[0] !== 3) continue;
        if (stop === 'abort') controller.abort();
        else client.close();
      }
    };
    const error = await failureOf(members.world, reading());
    expect(error === undefined).toBe(stop === 'break');
    await members.world.run({ forMs: 100 });
    expect(closed).toBe(1);
  }
});
