import type {
  Address,
  ByteListener,
  ByteNetwork,
  ByteStream,
  ByteStreamHandler,
} from '@d-engine/base';
import { assert } from '@d-engine/base';

/** HTTP/2's codes (RFC 9113, section 7) by which one side says that the other broke its rules. */
const blame: ReadonlyMap<number, string> = new Map([
  [0x1, 'PROTOCOL_ERROR'],
  [0x2, 'INTERNAL_ERROR'],
  [0x3, 'FLOW_CONTROL_ERROR'],
  [0x5, 'STREAM_CLOSED'],
  [0x6, 'FRAME_SIZE_ERROR'],
  [0x9, 'COMPRESSION_ERROR'],
  [0xb, 'ENHANCE_YOUR_CALM'],
]);
const calm = 0xb;

/** ... and says of a link that is held up, not of a peer. */
const late = 'not complete within';

/** The `P` that a client begins with; as a frame's length it would be five megabytes. */
const prefaceStart = 0x50;
const prefaceBytes = 24;
const headBytes = 9;
const rstStream = 3;
const goaway = 7;

/**
 * Both ends of each connection are ours and no byte goes bad on its way: so none of them has any
 * reason to complain of the other. Reads what they write, and says what complaint there was.
 */
export class WireWatch implements ByteNetwork {
  readonly #host: string;
  readonly #bytes: ByteNetwork;
  readonly #broken: (text: string) => void;

  constructor(host: string, bytes: ByteNetwork, broken: (text: string) => void) {
    this.#host = host;
    this.#bytes = bytes;
    this.#broken = broken;
  }

  listen(
    address: Address,
    onConnection: (stream: ByteStream) => ByteStreamHandler,
  ): Promise<ByteListener> {
    const told = (text: string): void => this.#broken(`${this.#host} told a caller: ${text}`);
    return this.#bytes.listen(address, (stream) => onConnection(new WatchedStream(stream, told)));
  }

  connect(address: Address, handler: ByteStreamHandler): ByteStream {
    const told = (text: string): void => this.#broken(`${this.#host} told ${address}: ${text}`);
    return new WatchedStream(this.#bytes.connect(address, handler), told);
  }
}

class WatchedStream implements ByteStream {
  readonly #stream: ByteStream;
  readonly #told: (text: string) => void;

  constructor(stream: ByteStream, told: (text: string) => void) {
    this.#stream = stream;
    this.#told = told;
  }

  get localHost(): string | undefined {
    return this.#stream.localHost;
  }

  get bufferedBytes(): number {
    return this.#stream.bufferedBytes;
  }

  write(bytes: Uint8Array): boolean {
    const complaint = findComplaint(bytes);
    if (complaint !== undefined) this.#told(complaint);
    return this.#stream.write(bytes);
  }

  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }
}

/** Of one write, which is of whole frames. */
export function findComplaint(bytes: Uint8Array): string | undefined {
  let at = bytes[0] === prefaceStart ? prefaceBytes : 0;
  while (at < bytes.length) {
    const length = (byteAt(bytes, at) << 16) | (byteAt(bytes, at + 1) << 8) | byteAt(bytes, at + 2);
    const start = at + headBytes;
    const end = start + length;
    assert(end <= bytes.length, 'a write that ends within a frame');
    const complaint = complaintOf(byteAt(bytes, at + 3), bytes.subarray(start, end));
    if (complaint !== undefined) return complaint;
    at = end;
  }
  return undefined;
}

function complaintOf(type: number, payload: Uint8Array): string | undefined {
  if (type === rstStream) {
    const code = uint32(payload, 0);
    // Also said to streams that nobody took anything of: whoever reads may be held up.
    const name = code === calm ? undefined : blame.get(code);
    return name === undefined ? undefined : `RST_STREAM ${name}`;
  }
  if (type !== goaway) return undefined;
  const name = blame.get(uint32(payload, 4));
  const reason = Buffer.from(payload.subarray(8)).toString();
  return name === undefined || reason.includes(late) ? undefined : `GOAWAY ${name} ${reason}`;
}

function uint32(bytes: Uint8Array, at: number): number {
  return Buffer.from(bytes.subarray(at, at + 4)).readUInt32BE();
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}
