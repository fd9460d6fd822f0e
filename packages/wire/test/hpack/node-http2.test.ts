import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  performServerHandshake,
  sensitiveHeaders,
} from 'node:http2';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import type { HeaderList } from '../../src/hpack/header-list.ts';
import { HpackDecoder } from '../../src/hpack/hpack-decoder.ts';
import { HpackEncoder } from '../../src/hpack/hpack-encoder.ts';

// The codec against nghttp2's, which is the one inside node:http2: a session of Node's on one end
// of a pair of streams, frames by hand on the other.

const options = { maxTableBytes: 4096, maxHeaderListBytes: 1e6 };
const open: { destroy(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.destroy();
});

const frameTypes = { headers: 1, settings: 4, ping: 6 };
const endStream = 1;
const endHeaders = 4;
const acknowledgement = 1;

function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** The end of a pair of streams that speaks in frames; the other end is for a session. */
class FrameEnd {
  readonly sessionEnd: Duplex;
  readonly #waiting: { type: number; resolve: (frame: Frame) => void }[] = [];
  readonly #arrived: Frame[] = [];
  #rest = Buffer.alloc(0);

  constructor() {
    this.sessionEnd = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        this.#receive(chunk);
        done();
      },
    });
    open.push(this.sessionEnd);
  }

  send(bytes: Uint8Array): void {
    this.sessionEnd.push(bytes);
  }

  /** The next frame of this type; settings are acknowledged by the way, others are skipped. */
  next(type: number): Promise<Frame> {
    const at = this.#arrived.findIndex((each) => each.type === type);
    const [found] = at < 0 ? [] : this.#arrived.splice(at, 1);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => this.#waiting.push({ type, resolve }));
  }

  #receive(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
    if (this.#rest.toString('latin1', 0, preface.length) === preface) {
      this.#rest = this.#rest.subarray(preface.length);
    }
    while (this.#rest.length >= 9) {
      const end = 9 + this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < end) return;
      const received = {
        type: this.#rest.readUInt8(3),
        flags: this.#rest.readUInt8(4),
        streamId: this.#rest.readUInt32BE(5),
        payload: Buffer.from(this.#rest.subarray(9, end)),
      };
      this.#rest = this.#rest.subarray(end);
      this.#arrive(received);
    }
  }

  #arrive(received: Frame): void {
    if (received.type === frameTypes.settings && received.flags !== acknowledgement) {
      this.send(frame(frameTypes.settings, acknowledgement, 0, Buffer.alloc(0)));
    }
    const at = this.#waiting.findIndex((each) => each.type === received.type);
    if (at < 0) this.#arrived.push(received);
    else this.#waiting.splice(at, 1)[0]?.resolve(received);
  }
}

/** The block of a HEADERS frame that is whole and has neither padding nor priority. */
function blockOf({ flags, payload }: Frame): Buffer {
  expect(flags & endHeaders).toBe(endHeaders);
  expect(flags & 0x08).toBe(0);
  return flags & 0x20 ? payload.subarray(5) : payload;
}

const settings = (tableBytes: number): Buffer => {
  const payload = Buffer.alloc(6);
  payload.writeUInt16BE(1, 0);
  payload.writeUInt32BE(tableBytes, 2);
  return frame(frameTypes.settings, 0, 0, payload);
};

/** Fields that node:http2 lets through unchanged, as pairs of different names. */
const names = ['te', 'user-agent', 'grpc-timeout', 'x-a', 'x-b', 'x-c', 'authorization'];
const value = fc.oneof(
  fc.constantFrom('trailers', '1', '2', '/p.S/M', 'v'.repeat(60), 'w'.repeat(600)),
  fc.stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/),
);
const fields = fc.uniqueArray(fc.tuple(fc.constantFrom(...names), value), {
  maxLength: 6,
  selector: ([name]) => name,
});
const exchanges = fc.array(fc.tuple(fc.constantFrom('/', '/p.S/M', '/p.S/N'), fields), {
  minLength: 1,
  maxLength: 12,
});
const tableBytes = fc.constantFrom(0, 100, 300, 4096, 20_000);

type Fields = readonly (readonly [string, string])[];

function requestOf(path: string, rest: Fields): HeaderList {
  const pseudo = [':method', 'GET', ':path', path, ':scheme', 'http', ':authority', 'example:1'];
  // node:http2 knows that te may only say "trailers".
  return [...pseudo, ...rest.flatMap(([name, text]) => [name, name === 'te' ? 'trailers' : text])];
}

const objectOf = (list: HeaderList): Record<string, string> =>
  Object.fromEntries(
    list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1] as string]] : [])),
  );

test('what the encoder of node:http2 writes is read, whatever table it is given', async () => {
  await fc.assert(
    fc.asyncProperty(exchanges, tableBytes, async (requests, limit) => {
      const end = new FrameEnd();
      const session: ClientHttp2Session = connect('http://example:1', {
        createConnection: () => end.sessionEnd,
      });
      open.push(session);
      session.on('error', () => undefined); // Ended while answers are due: nobody answers here.
      const decoder = new HpackDecoder(options);
      end.send(settings(limit));
      await end.next(frameTypes.settings);
      await end.next(frameTypes.settings); // The acknowledgement.
      decoder.setMaxTableBytes(limit);
      for (const [path, rest] of requests) {
        const list = requestOf(path, rest);
        session.request(objectOf(list)).on('error', () => undefined);
        const block = blockOf(await end.next(frameTypes.headers));
        expect(objectOf(decoder.decode(block) as HeaderList)).toEqual(objectOf(list));
      }
      for (const each of open.splice(0)) each.destroy();
    }),
    { numRuns: 60 },
  );
});

test('what the encoder writes is read by node:http2, whatever table it gives', async () => {
  await fc.assert(
    fc.asyncProperty(exchanges, tableBytes, tableBytes, async (requests, limit, own) => {
      const end = new FrameEnd();
      const session = performServerHandshake(end.sessionEnd, {
        settings: { headerTableSize: limit },
      });
      open.push(session);
      const arrivals: ((headers: IncomingHttpHeaders) => void)[] = [];
      const received = requests.map(
        () => new Promise<IncomingHttpHeaders>((resolve) => arrivals.push(resolve)),
      );
      session.on('stream', (stream, headers) => {
        stream.on('error', () => undefined); // Ended with the session.
        arrivals.shift()?.(headers);
      });
      const failure = new Promise<never>((_, reject) => session.on('error', reject));
      failure.catch(() => undefined); // It is raced against below, if there still is a below.

      const encoder = new HpackEncoder({ maxTableBytes: own });
      end.send(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'));
      end.send(settings(4096));
      await end.next(frameTypes.settings);
      encoder.setMaxTableBytes(limit);
      requests.forEach(([path, rest], at) => {
        const list = requestOf(path, rest);
        const block = encoder.encode(list);
        end.send(frame(frameTypes.headers, endHeaders | endStream, at * 2 + 1, block));
      });
      const all = await Promise.race([Promise.all(received), failure]);
      all.forEach((headers, at) => {
        const [path, rest] = requests[at] as (typeof requests)[number];
        const sent = objectOf(requestOf(path, rest));
        expect(Object.fromEntries(Object.entries(headers))).toEqual(sent);
        const secret = 'authorization' in sent ? ['authorization'] : [];
        expect((headers as { [sensitiveHeaders]?: string[] })[sensitiveHeaders]).toEqual(secret);
      });
      for (const each of open.splice(0)) each.destroy();
    }),
    { numRuns: 60 },
  );
});

test('the static table is that of node:http2, name by name and value by value', async () => {
  const end = new FrameEnd();
  const session = performServerHandshake(end.sessionEnd);
  open.push(session);
  const seen: IncomingHttpHeaders[] = [];
  const all = new Promise<void>((resolve, reject) => {
    session.on('error', reject).on('stream', (_, headers) => {
      if (seen.push(headers) === 2) resolve();
    });
  });
  end.send(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'));
  end.send(settings(4096));
  // Transfer-encoding, 57, is no field of HTTP/2; 0 is a value that each other one may have.
  const indexes = Array.from({ length: 47 }, (_, at) => at + 15).filter((index) => index !== 57);
  const literals = indexes.flatMap((index) => [0x0f, index - 15, 1, 0x30]);
  const blocks = [
    [0x82, 0x84, 0x86, 0x01, 1, 0x30, ...literals],
    [0x83, 0x85, 0x87, 0x01, 1, 0x30, 0x90],
  ];
  blocks.forEach((block, at) => {
    end.send(frame(frameTypes.headers, endHeaders | endStream, at * 2 + 1, Buffer.from(block)));
  });
  await all;
  const ours = new HpackDecoder(options);
  const fieldsOf = (headers: object): string[][] =>
    Object.entries(headers).map(([name, text]) => [name, String(text)]);
  const expected = blocks.map((block) => ours.decode(Buffer.from(block)) as HeaderList);
  expect(seen.map(fieldsOf)).toEqual(expected.map((list) => fieldsOf(objectOf(list))));
});

test('the static table has the statuses of node:http2', async () => {
  const end = new FrameEnd();
  const session = connect('http://example:1', { createConnection: () => end.sessionEnd });
  open.push(session);
  end.send(settings(4096));
  const ours = new HpackDecoder(options);
  for (let index = 8; index <= 14; index++) {
    const request = session.request({ ':path': '/' });
    const { streamId } = await end.next(frameTypes.headers);
    const block = Buffer.of(0x80 | index);
    const answered = new Promise<IncomingHttpHeaders>((resolve) => request.on('response', resolve));
    end.send(frame(frameTypes.headers, endHeaders | endStream, streamId, block));
    const headers = await answered;
    expect(ours.decode(block)).toEqual([':status', String(headers[':status'])]);
  }
});
