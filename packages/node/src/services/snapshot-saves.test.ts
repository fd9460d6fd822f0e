import type { IncomingStream } from '@d-engine/base';
import type { SnapshotReader } from '@d-engine/storage';
import { decodeSnapshotPart } from '@d-engine/wire';
import { expect, test } from 'vitest';
import { SnapshotSaves } from './snapshot-saves.ts';

const partBytes = 262_144;

class FakeStream {
  readonly sent: Uint8Array[] = [];
  hasRoom = true;
  outcome: string | undefined;

  send(message: Uint8Array): boolean {
    this.sent.push(decodeSnapshotPart(message).data);
    return this.hasRoom;
  }

  end(): void {
    this.outcome = 'ended';
  }

  reset({ message }: { message: string }): void {
    this.outcome = message;
  }
}

function setUp(lengthBytes: number) {
  const bytes = Buffer.alloc(lengthBytes, 'x');
  const counts = { opened: 0, closed: 0, saved: 0 };
  const reader = {
    info: { lengthBytes },
    read: async (offset: number, length: number) => bytes.subarray(offset, offset + length),
    close: async () => {
      counts.closed += 1;
    },
  } as unknown as SnapshotReader;
  const saves = new SnapshotSaves({
    open: async () => {
      counts.opened += 1;
      return reader;
    },
    onSaved: () => {
      counts.saved += 1;
    },
  });
  const ask = () => {
    const stream = new FakeStream();
    const handler = saves.take(stream as unknown as IncomingStream);
    handler.onMessage(new Uint8Array(0));
    return { stream, handler };
  };
  return { ask, counts };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await null;
}

test('the file leaves in parts, and is let go of', async () => {
  const { ask, counts } = setUp(partBytes * 2 + 5);
  const { stream } = ask();
  await settle();
  expect(stream.sent.map(({ length }) => length)).toEqual([partBytes, partBytes, 5]);
  expect(stream.outcome).toBe('ended');
  expect(counts).toEqual({ opened: 1, closed: 1, saved: 1 });
});

test('a reader that is behind is waited for', async () => {
  const { ask, counts } = setUp(partBytes * 3);
  const { stream, handler } = ask();
  stream.hasRoom = false;
  await settle();
  expect(stream.sent).toHaveLength(1);
  stream.hasRoom = true;
  handler.onDrain?.();
  await settle();
  expect(stream.sent).toHaveLength(3);
  expect(counts.closed).toBe(1);
});

test('one at a time: the second is told to come back, and may once the first is over', async () => {
  const { ask, counts } = setUp(partBytes * 3);
  const first = ask();
  first.stream.hasRoom = false;
  await settle();
  const second = ask();
  await settle();
  expect(second.stream.outcome).toContain('retry later');
  first.handler.onClose(undefined);
  await settle();
  expect(counts).toEqual({ opened: 1, closed: 1, saved: 0 });
  const third = ask();
  await settle();
  expect(third.stream.outcome).toBe('ended');
});

test('a second request on a stream is refused', async () => {
  const { ask } = setUp(partBytes * 3);
  const { stream, handler } = ask();
  handler.onMessage(new Uint8Array(0));
  expect(stream.outcome).toContain('once a stream');
  await settle();
});
