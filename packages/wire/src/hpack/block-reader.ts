import { HpackError } from './header-list.ts';
import { decodedBytesMax, decodeHuffman } from './huffman-decoder.ts';

/** No index, length or table size of HTTP/2 is larger; what is, is refused (RFC 7541, 5.1). */
const integerMax = 0xffff_ffff;
/** Octets after the first that such a number takes at most, leading zeros not counted on. */
const integerOctetsMax = 5;

/**
 * Every string passes through these bytes on its way to become one. Reading never waits, so one
 * does for all connections.
 */
const scratch = Buffer.alloc(16_384);

/** Reads integers and strings (RFC 7541, 5) from one header block. */
export class BlockReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#position === this.#bytes.length;
  }

  /** The octet that says what comes next; stays where it is. */
  peek(): number {
    return this.#bytes[this.#position] as number;
  }

  /** An integer in the lowest `prefixBits` of the next octet and, if need be, those after it. */
  integer(prefixBits: number): number {
    const prefixMax = (1 << prefixBits) - 1;
    const prefix = this.#octet() & prefixMax;
    return prefix < prefixMax ? prefix : this.#longInteger(prefixMax);
  }

  #longInteger(prefix: number): number {
    let value = prefix;
    let scale = 1;
    for (let octets = 0; octets < integerOctetsMax; octets++) {
      const octet = this.#octet();
      value += (octet & 127) * scale;
      if (octet < 128) {
        if (value <= integerMax) return value;
        break;
      }
      scale *= 128;
    }
    throw new HpackError('an integer is too large');
  }

  #octet(): number {
    if (this.atEnd) throw new HpackError('the block ends within a field');
    return this.#bytes[this.#position++] as number;
  }

  string(): string {
    if (this.atEnd) throw new HpackError('the block ends within a field');
    const isHuffman = this.peek() >= 128;
    const length = this.integer(7);
    const start = this.#position;
    if (length > this.#bytes.length - start) {
      throw new HpackError('a string is longer than the block');
    }
    this.#position += length;
    const sizeMax = isHuffman ? decodedBytesMax(length) : length;
    const target = sizeMax <= scratch.length ? scratch : Buffer.allocUnsafe(sizeMax);
    if (isHuffman) {
      return latin1Text(target, decodeHuffman(this.#bytes, start, this.#position, target));
    }
    for (let at = 0; at < length; at++) target[at] = this.#bytes[start + at] as number;
    return latin1Text(target, length);
  }
}

/** Up to here characters are put together faster than the call into Node's buffers returns. */
const shortBytesMax = 6;

function latin1Text(bytes: Buffer, length: number): string {
  if (length > shortBytesMax) return bytes.toString('latin1', 0, length);
  let text = '';
  for (let at = 0; at < length; at++) text += String.fromCharCode(bytes[at] as number);
  return text;
}
