import type { PlantedBug } from './planted-bug.ts';
import { reached } from './planted-bug.ts';

const clientCall = 'packages/wire/src/grpc/client-call.ts';
const clientConnection = 'packages/wire/src/http2/client-connection.ts';
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
  {
    name: 'what comes late for one call goes to the next',
    breaks: 'an answer is that of its own call (RFC 9113, 5.1)',
    edits: [
      {
        file: clientConnection,
        find: 'const stream = this.streams.get(block.streamId);',
        replace: `let stream = this.streams.get(block.streamId);
    if (stream === undefined && this.streams.size > 0) {
      ${reached};
      stream = this.streams.values().next().value;
    }`,
      },
      {
        file: incomingFrames,
        find: 'const stream = target.streams.get(streamId);\n    this.#dataStream = stream;',
        replace: `let stream = target.streams.get(streamId);
    if ('hasRoom' in target) stream ??= target.streams.values().next().value;
    this.#dataStream = stream;`,
      },
    ],
    foundBy: ['linearizability', 'revisions follow real time', 'the wire keeps its rules'],
  },
  {
    name: 'a call that was lost is called never sent',
    breaks: 'only what certainly never left is sent again (rule 9)',
    edits: [
      {
        file: clientCall,
        find: "const error = new StatusError({ status: 'unavailable', message }, this.#mayHaveBeenSent());",
        replace: `if (this.#mayHaveBeenSent()) ${reached};
        const error = new StatusError({ status: 'unavailable', message }, false);`,
      },
    ],
    foundBy: ['linearizability', 'revisions follow real time'],
  },
];
