import type {
  Failure,
  IncomingCall,
  IncomingStream,
  Logger,
  Service,
  StreamHandler,
} from '@d-engine/base';
import { describeError, MalformedMessage } from '@d-engine/base';
import { planeOfMethod } from '@d-engine/wire';
import type { Transport } from '../peers/transport.ts';

/** Answers one method. Throws MalformedMessage for a request that it cannot read. */
export type CallHandler = (call: IncomingCall) => void;

/** Takes a client's stream of one method. */
export type StreamTaker = (stream: IncomingStream) => StreamHandler;

/** Everything that a member serves on its port: clients' calls and peers' streams. */
export class MemberService implements Service {
  readonly #handlers: ReadonlyMap<string, CallHandler>;
  readonly #streams: ReadonlyMap<string, StreamTaker>;
  readonly #transport: Transport;
  readonly #logger: Logger;

  constructor(options: {
    handlers: ReadonlyMap<string, CallHandler>;
    streams: ReadonlyMap<string, StreamTaker>;
    transport: Transport;
    logger: Logger;
  }) {
    this.#handlers = options.handlers;
    this.#streams = options.streams;
    this.#transport = options.transport;
    this.#logger = options.logger;
  }

  onCall(call: IncomingCall): void {
    const handler = this.#handlers.get(call.method);
    if (handler === undefined) {
      call.fail(unimplemented(call.method));
      return;
    }
    try {
      handler(call);
    } catch (error) {
      call.fail(this.#failureOf(call.method, error));
    }
  }

  onStream(stream: IncomingStream): StreamHandler | Failure {
    const plane = planeOfMethod(stream.method);
    if (plane !== undefined) return this.#transport.accept(stream, plane);
    return this.#streams.get(stream.method)?.(stream) ?? unimplemented(stream.method);
  }

  #failureOf(method: string, error: unknown): Failure {
    if (error instanceof MalformedMessage) {
      return { status: 'invalidArgument', message: `unreadable request: ${error.message}` };
    }
    this.#logger.error('a call failed unexpectedly', { method, error: describeError(error) });
    return { status: 'internal', message: 'internal error: see the log of this node' };
  }
}

function unimplemented(method: string): Failure {
  return { status: 'unimplemented', message: `${method} is not in this version` };
}
