import type { PlantedBug } from './planted-bug.ts';
import { reached } from './planted-bug.ts';

const frameReader = 'packages/wire/src/http2/frame-reader.ts';
const incomingFrames = 'packages/wire/src/http2/incoming-frames.ts';

/** What only shows where members and clients speak in bytes. */
export const bugsOfTheWire: readonly PlantedBug[] = [
  {
    name: 'the headers of a lost call are not read',
    breaks: 'every header block goes through the table of the connection (RFC 7541, 2.2)',
    edits: [
      {
        file: incomingFrames,
        find: 'const headers = this.#decode(block);',
        replace: `if ('hasRoom' in this.#target && !this.#target.streams.has(this.#assembly.streamId)) {
      ${reached};
      return;
    }
    const headers = this.#decode(block);`,
      },
    ],
    foundBy: ['the wire keeps its rules'],
  },
  {
    name: 'the window of a stream is never given back',
    breaks: 'what was read makes room for more (RFC 9113, 6.9)',
    edits: [
      {
        file: 'packages/wire/src/http2/receive-flow.ts',
        find: 'if (streamUpdate > 0) this.#writer.windowUpdate(stream.id, streamUpdate);',
        replace: `if (streamUpdate > 0) ${reached};`,
      },
    ],
    foundBy: ['liveness'],
  },
  {
    name: 'a head of a frame that comes in two reads',
    breaks: 'bytes may be cut anywhere on their way',
    edits: [
      {
        file: frameReader,
        find: 'let next = at;',
        replace: `let next = at;
    if (this.#headLength > 0) {
      ${reached};
      this.#headLength = 0;
    }`,
      },
    ],
    foundBy: ['the wire keeps its rules', 'liveness'],
  },
  {
    name: 'a request is kept where it was only lent',
    breaks: 'what a socket hands out belongs to it again after the call',
    edits: [
      {
        file: 'packages/wire/src/grpc/server-call.ts',
        find: `const request = Buffer.allocUnsafe(length);
    bytes.copy(request, 0, start + prefixBytes, end);`,
        replace: `${reached};
    const request = bytes.subarray(start + prefixBytes, end);`,
      },
    ],
    foundBy: ['linearizability', 'revisions follow real time', 'liveness'],
  },
];
