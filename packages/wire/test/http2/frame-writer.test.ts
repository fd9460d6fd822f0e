import type { ByteStream } from '@d-engine/base';
import { describe, expect, test } from 'vitest';
import { FrameWriter } from '../../src/http2/frame-writer.ts';

class RecordingStream implements ByteStream {
  readonly localHost = undefined;
  readonly bufferedBytes = 0;
  keepsWritten: boolean;
  /** Whether what is written from now on is kept. */
  willKeep = false;
  readonly written: Uint8Array[] = [];

  constructor(keepsWritten: boolean) {
    this.keepsWritten = keepsWritten;
  }

  write(bytes: Uint8Array): boolean {
    this.written.push(bytes);
    if (this.willKeep) this.keepsWritten = true;
    return true;
  }

  readonly end = unexpected;
  readonly destroy = unexpected;
  readonly pause = unexpected;
  readonly resume = unexpected;
}

function unexpected(): never {
  throw new Error('a writer only writes');
}

function writeFilled(writer: FrameWriter, length: number, value: number): void {
  writer.raw(new Uint8Array(length).fill(value));
  writer.flush();
}

/** How many of the writes came in memory of their own. */
function memories(stream: RecordingStream): number {
  return new Set(stream.written.map((bytes) => bytes.buffer)).size;
}

describe('the memory in which output is gathered', () => {
  test.each([100, 40_000])('is used again for a stream that keeps nothing: %i B', (length) => {
    const stream = new RecordingStream(false);
    const writer = new FrameWriter(stream);
    for (let value = 0; value < 50; value++) writeFilled(writer, length, value);
    expect(stream.written).toHaveLength(50);
    expect(memories(stream)).toBe(1);
  });

  test.each([100, 40_000])('is left to a stream that keeps it: %i B', (length) => {
    const stream = new RecordingStream(true);
    const writer = new FrameWriter(stream);
    for (let value = 0; value < 50; value++) writeFilled(writer, length, value);
    for (const [value, bytes] of stream.written.entries()) {
      expect(bytes).toHaveLength(length);
      expect(bytes.every((byte) => byte === value)).toBe(true);
    }
  });

  test('is lost once, and no more, to a stream that begins to keep what it gets', () => {
    const stream = new RecordingStream(false);
    const writer = new FrameWriter(stream);
    stream.willKeep = true;
    for (let value = 0; value < 50; value++) writeFilled(writer, 100, value);
    for (const [value, bytes] of stream.written.entries()) expect(bytes[99]).toBe(value);
    // One block, and what copies share.
    expect(memories(stream)).toBeLessThanOrEqual(3);
  });
});
