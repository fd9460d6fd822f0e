import { type IncomingStream, MalformedMessage, type StreamHandler } from '@d-engine/base';
import { type ServedFile, servedFiles } from './file-descriptors.ts';
import {
  decodeReflectionRequest,
  encodeReflectionResponse,
  type ReflectionAnswer,
  type ReflectionRequest,
} from './reflection-messages.ts';

/** `grpc.reflection.v1` and `v1alpha`: lets tools use our services without their proto files. */
export class ServerReflection implements StreamHandler {
  readonly #stream: IncomingStream;

  constructor(stream: IncomingStream) {
    this.#stream = stream;
  }

  onMessage(message: Uint8Array): void {
    try {
      const request = decodeReflectionRequest(message);
      // Who asks without reading is not read from: an answer is much larger than its question.
      if (!this.#stream.send(encodeReflectionResponse(request, answerTo(request)))) {
        this.#stream.pause();
      }
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      const problem = `unreadable request: ${error.message}`;
      this.#stream.reset({ status: 'invalidArgument', message: problem });
    }
  }

  onDrain(): void {
    this.#stream.resume();
  }

  onEnd(): void {
    this.#stream.end();
  }

  onClose(): void {
    // Nothing is kept for a stream.
  }
}

function answerTo({ ask }: ReflectionRequest): ReflectionAnswer {
  switch (ask.kind) {
    case 'file':
      return answerFile(
        servedFiles.find(({ name }) => name === ask.name),
        `no file ${ask.name}`,
      );
    case 'symbol':
      return answerFile(
        servedFiles.find(({ symbols }) => symbols.includes(ask.name)),
        `no symbol ${ask.name}`,
      );
    case 'extension':
      return { kind: 'error', status: 'notFound', message: `${ask.type} has no extensions` };
    case 'extensions':
      return answerExtensions(ask.type);
    case 'services':
      return { kind: 'services', names: servedFiles.flatMap(({ services }) => services) };
    case 'nothing':
      return { kind: 'error', status: 'invalidArgument', message: 'a request that asks nothing' };
  }
}

function answerFile(file: ServedFile | undefined, problem: string): ReflectionAnswer {
  if (file === undefined) return { kind: 'error', status: 'notFound', message: problem };
  return { kind: 'files', files: [...withDependencies(file)].map(bytesOf) };
}

/** proto3 has none, of any type. */
function answerExtensions(type: string): ReflectionAnswer {
  const isKnown = servedFiles.some(({ symbols }) => symbols.includes(type));
  if (isKnown) return { kind: 'extensions', type };
  return { kind: 'error', status: 'notFound', message: `no type ${type}` };
}

/** The file itself first. */
function withDependencies(file: ServedFile, seen: Set<ServedFile> = new Set()): Set<ServedFile> {
  seen.add(file);
  for (const dependency of file.dependencies) {
    const found = servedFiles.find(({ name }) => name === dependency);
    if (found !== undefined && !seen.has(found)) withDependencies(found, seen);
  }
  return seen;
}

function bytesOf(file: ServedFile): Uint8Array {
  return Buffer.from(file.base64.join(''), 'base64');
}
