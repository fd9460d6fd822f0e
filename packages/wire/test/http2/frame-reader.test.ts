import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameReader, type FrameSink } from '../../src/http2/frame-reader.ts';
import { frame } from './raw-peer.ts';

/** What was heard, DATA put together again. */
class Listener implements FrameSink {
  readonly heard: string[] = [];
  #data = '';

  onFrameHead(type: number, flags: number, streamId: number, length: number): boolean {
    this.heard.push(`${type} ${flags} ${streamId} ${length}`);
    return type !== 2;
  }

  onFrame(...[, , , bytes, start, end]: Parameters<FrameSink['onFrame']>): void {
    this.heard.push(bytes.toString('hex', start, end));
  }

  onDataBytes(bytes: Buffer, start: number, end: number, isLast: boolean): void {
    this.#data += bytes.toString('hex', start, end);
    if (!isLast) return;
    this.heard.push(`data ${this.#data}`);
    this.#data = '';
  }
}

const anyFrame = fc
  .record({
    type: fc.integer({ min: 0, max: 12 }),
    isPadded: fc.boolean(),
    streamId: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    payload: fc.uint8Array({ maxLength: 3_000 }),
    padding: fc.integer({ min: 0, max: 255 }),
  })
  .map(({ type, isPadded, streamId, payload, padding }) => {
    if (type !== 0 || !isPadded) {
      const wanted = Buffer.from(payload).toString('hex');
      const bytes = frame(type, 0, streamId, payload);
      const head = `${type} 0 ${streamId} ${payload.length}`;
      const rest = type === 0 ? [`data ${wanted}`] : type === 2 ? [] : [wanted];
      return { bytes, heard: [head, ...rest] };
    }
    const body = Buffer.concat([Buffer.from([padding]), payload, Buffer.alloc(padding)]);
    const head = `0 8 ${streamId} ${body.length}`;
    const wanted = `data ${Buffer.from(payload).toString('hex')}`;
    return { bytes: frame(0, 8, streamId, body), heard: [head, wanted] };
  });

test('frames are the same wherever the reads are cut', () => {
  const frames = fc.array(anyFrame, { minLength: 1, maxLength: 6 });
  const cuts = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(frames, cuts, (sent, lengths) => {
      const listener = new Listener();
      const reader = new FrameReader(listener);
      const bytes = Buffer.concat(sent.map((one) => one.bytes));
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const length = lengths[turn % lengths.length] as number;
        // A copy that is wiped afterwards: nobody may have kept a view.
        const lent = Buffer.from(bytes.subarray(at, at + length));
        reader.read(lent);
        lent.fill(0xee);
        at += length;
      }
      expect(listener.heard).toEqual(sent.flatMap((one) => one.heard));
      expect(reader.isWithinFrame).toBe(false);
    }),
  );
});

test('more padding than payload is an error of the protocol', () => {
  const reader = new FrameReader(new Listener());
  expect(() => reader.read(frame(0, 8, 1, [5, 0, 0]))).toThrow('padding');
  expect(() => new FrameReader(new Listener()).read(frame(0, 8, 1))).toThrow('padded');
});

test('nothing is heard after a stop', () => {
  const listener = new Listener();
  const reader = new FrameReader(listener);
  reader.read(frame(6, 0, 0, Buffer.alloc(8)));
  reader.stop();
  reader.read(frame(6, 0, 0, Buffer.alloc(8)));
  expect(listener.heard).toHaveLength(2);
});
