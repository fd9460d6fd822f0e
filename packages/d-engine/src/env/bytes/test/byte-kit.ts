import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import type { ByteStream, ByteStreamHandler } from '@d-engine/base';
import { assert } from '@d-engine/base';
import { delay, portOf } from '../../test/network-kit.ts';
import type { SocketNetwork } from '../byte-network.ts';
import type { ByteListenOptions } from '../byte-options.ts';
import type { SocketListener } from '../socket-listener.ts';

/** Keeps what one end of a stream was told, and holds the calls to the rules of the interface. */
export class StreamRecorder implements ByteStreamHandler {
  readonly events: string[] = [];
  readonly pieces: Buffer[] = [];
  byteCount = 0;
  drains = 0;
  error: Error | undefined;
  keepsBytes = true;
  onBytesDo: ((bytes: Uint8Array) => void) | undefined;

  get bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }

  get text(): string {
    return this.bytes.toString();
  }

  get closed(): boolean {
    return this.events.includes('closed') || this.events.includes('lost');
  }

  onOpen(): void {
    this.#note('open');
  }

  onBytes(bytes: Uint8Array): void {
    assert(!this.closed && !this.events.includes('end'), 'bytes after the end');
    this.byteCount += bytes.length;
    if (this.keepsBytes) this.pieces.push(Buffer.from(bytes));
    this.onBytesDo?.(bytes);
  }

  onDrain(): void {
    assert(!this.closed, 'drained after the end');
    this.drains += 1;
  }

  onEnd(): void {
    this.#note('end');
  }

  onClose(error: Error | undefined): void {
    this.#note(error === undefined ? 'closed' : 'lost');
    this.error = error;
  }

  async heard(event: string): Promise<void> {
    await until(() => this.events.includes(event));
  }

  /** The other side is, in whatever way. */
  async gone(): Promise<void> {
    await until(() => this.closed || this.events.includes('end'));
  }

  #note(event: string): void {
    assert(!this.closed, () => `${event} after the end`);
    assert(!this.events.includes(event), () => `a second ${event}`);
    this.events.push(event);
  }
}

export async function until(condition: () => boolean, timeoutMs = 20_000): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!condition()) {
    assert(performance.now() < endMs, () => `not within ${timeoutMs} ms: ${condition.toString()}`);
    await delay(2);
  }
}

export interface Accepted {
  readonly stream: ByteStream;
  readonly recorder: StreamRecorder;
}

export interface TestListener {
  readonly listener: SocketListener;
  readonly accepted: Accepted[];
  readonly port: number;
}

/** Listens on a free port of the loopback and keeps what it takes. */
export async function listenOn(
  network: SocketNetwork,
  options: ByteListenOptions = {},
  prepare: (accepted: Accepted) => void = () => undefined,
): Promise<TestListener> {
  const accepted: Accepted[] = [];
  const take = (stream: ByteStream): StreamRecorder => {
    const one = { stream, recorder: new StreamRecorder() };
    accepted.push(one);
    prepare(one);
    return one.recorder;
  };
  const listener = await network.listen('127.0.0.1:0', take, options);
  return { listener, accepted, port: portOf(listener.address) };
}

/** Both ends of an open stream. */
export interface StreamPair {
  readonly stream: ByteStream;
  readonly here: StreamRecorder;
  readonly accepted: ByteStream;
  readonly there: StreamRecorder;
}

export async function openPair(network: SocketNetwork, on?: TestListener): Promise<StreamPair> {
  const { listener, accepted } = on ?? (await listenOn(network));
  const count = accepted.length;
  const here = new StreamRecorder();
  const stream = network.connect(listener.address, here);
  await here.heard('open');
  await until(() => accepted.length > count);
  const other = accepted[count] as Accepted;
  return { stream, here, accepted: other.stream, there: other.recorder };
}

/** A plain socket, for whatever a well-behaved stream does not do. */
export async function rawSocket(port: number): Promise<Socket> {
  const socket = connectSocket({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

export function counted(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let index = 0; index < length; index++) bytes[index] = index % 251;
  return bytes;
}
