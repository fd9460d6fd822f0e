import type { Failure, IncomingCall, IncomingStream, Service, StreamHandler } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import { toFailure } from '../../src/error-mapping.ts';

export const isFourKindsStream = (method: string): boolean => method.includes('/Stream');

/** All kinds of calls, for foreign clients: `test.Service` with methods that say what they do. */
export class FourKinds implements Service {
  /** Calls that nobody waits for any more. */
  #aborted = 0;

  onCall(call: IncomingCall): void {
    switch (call.method.split('/')[1]) {
      case 'Echo': {
        const { 'x-sent': text = '', 'x-sent-bin': bytes = '' } = call.metadata;
        call.reply(call.request, { 'x-seen': text, 'x-seen-bin': bytes });
        break;
      }
      case 'Never':
        call.signal.addEventListener('abort', () => {
          this.#aborted += 1;
        });
        break;
      case 'Aborted':
        call.reply(Buffer.from(String(this.#aborted)));
        break;
      case 'Fail':
        call.fail(toFailure(new DEngineError('NotLeader', 'not the leader: 100 % „no“')));
        break;
      default:
        call.fail({ status: 'unimplemented', message: `no ${call.method}` });
    }
  }

  onStream(stream: IncomingStream): StreamHandler | Failure {
    switch (stream.method.split('/')[1]) {
      case 'StreamEcho':
        return new Echo(stream);
      case 'StreamSum':
        return new Sum(stream);
      case 'StreamCount':
        return new Count(stream);
      case 'StreamOpen':
        return { onMessage: ignore, onClose: ignore };
      default:
        return { status: 'unimplemented', message: `no ${stream.method}` };
    }
  }
}

function ignore(): void {
  // Neither answered nor ended.
}

/** Reads no more than it can send back. */
class Echo implements StreamHandler {
  readonly #stream: IncomingStream;

  constructor(stream: IncomingStream) {
    this.#stream = stream;
  }

  onMessage(message: Uint8Array): void {
    if (!this.#stream.send(message)) this.#stream.pause();
  }

  onDrain(): void {
    this.#stream.resume();
  }

  onEnd(): void {
    this.#stream.end();
  }

  onClose(): void {
    // Nothing is kept.
  }
}

/** A client stream: one answer to all messages. */
class Sum implements StreamHandler {
  readonly #stream: IncomingStream;
  #messages = 0;
  #bytes = 0;

  constructor(stream: IncomingStream) {
    this.#stream = stream;
  }

  onMessage(message: Uint8Array): void {
    this.#messages += 1;
    this.#bytes += message.length;
  }

  onEnd(): void {
    this.#stream.send(Buffer.from(`${this.#messages} messages, ${this.#bytes} bytes`));
    this.#stream.end();
  }

  onClose(): void {
    // Nothing is kept.
  }
}

/** A server stream: as many answers as the request says, as fast as the client takes them. */
class Count implements StreamHandler {
  readonly #stream: IncomingStream;
  #left = 0;

  constructor(stream: IncomingStream) {
    this.#stream = stream;
  }

  onMessage(message: Uint8Array): void {
    this.#left = Number(Buffer.from(message).toString());
  }

  onEnd(): void {
    this.#produce();
  }

  onDrain(): void {
    this.#produce();
  }

  onClose(): void {
    this.#left = 0;
  }

  #produce(): void {
    while (this.#left > 0) {
      this.#left -= 1;
      const isTaken = this.#stream.send(Buffer.alloc(1_000, this.#left));
      if (!isTaken && this.#left > 0) return;
    }
    this.#stream.end();
  }
}
