import type { ByteStream, ByteStreamHandler } from '@d-engine/base';
import { StatusError } from '@d-engine/base';
import { expect } from 'vitest';
import type { VirtualHost, WorldOverrides } from '../src/index.ts';
import { VirtualWorld } from '../src/index.ts';

export const text = (content: string): Uint8Array => new TextEncoder().encode(content);

/** Numbers that tell bytes out of order, lost or doubled from right ones. */
export function counted(length: number, first = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = (first + index) % 251;
  return bytes;
}

/** Keeps what one end of a stream was told, and holds the calls to the rules of the interface. */
export class ByteRecorder implements ByteStreamHandler {
  readonly events: string[] = [];
  readonly pieces: Uint8Array[] = [];
  drains = 0;
  error: Error | undefined;
  onBytesDo: ((bytes: Uint8Array) => void) | undefined;
  #closed = false;
  #ended = false;

  get bytes(): Uint8Array {
    return Uint8Array.from(Buffer.concat(this.pieces));
  }

  get text(): string {
    return new TextDecoder().decode(this.bytes);
  }

  get closed(): boolean {
    return this.#closed;
  }

  get ended(): boolean {
    return this.#ended;
  }

  onOpen(): void {
    this.#note('open');
  }

  onBytes(bytes: Uint8Array): void {
    expect(this.#closed || this.#ended, 'bytes after the end').toBe(false);
    expect(bytes.length).toBeGreaterThan(0);
    // Not `slice`: a Buffer's would be a view.
    this.pieces.push(Uint8Array.from(bytes));
    this.onBytesDo?.(bytes);
  }

  onDrain(): void {
    expect(this.#closed, 'drained after the end').toBe(false);
    this.drains += 1;
  }

  onEnd(): void {
    expect(this.#ended, 'a second end').toBe(false);
    this.#note('end');
    this.#ended = true;
  }

  onClose(error: Error | undefined): void {
    this.#note(error === undefined ? 'closed' : 'lost');
    this.#closed = true;
    this.error = error;
    if (error !== undefined) expect(error).toBeInstanceOf(StatusError);
  }

  #note(event: string): void {
    expect(this.#closed, `${event} after the end`).toBe(false);
    this.events.push(event);
  }
}

/** A client's and a server's host with one stream between them. */
export interface BytePair {
  readonly world: VirtualWorld;
  readonly client: VirtualHost;
  readonly server: VirtualHost;
  readonly here: ByteRecorder;
  readonly there: ByteRecorder;
  readonly stream: ByteStream;
  /** The serving end. */
  readonly accepted: ByteStream;
}

export async function openPair(overrides: WorldOverrides = {}, seed = 1): Promise<BytePair> {
  const world = new VirtualWorld({ ...overrides, seed });
  const client = world.host('c');
  const server = world.host('s');
  const here = new ByteRecorder();
  const there = new ByteRecorder();
  let accepted: ByteStream | undefined;
  const listening = server.byteNetwork.listen('s:9081', (stream) => {
    accepted = stream;
    return there;
  });
  await world.complete(listening);
  const stream = client.byteNetwork.connect('s:9081', here);
  await world.run({ until: () => here.events.includes('open'), limitMs: 1_000 });
  if (accepted === undefined) throw new Error('nobody accepted the stream');
  return { world, client, server, here, there, stream, accepted };
}
