import { assert } from '@d-engine/base';
import { codeLengths, codes } from './huffman-code.ts';

/** More than a block has in practice; one larger block's memory is not kept. */
const keptBytes = 16_384;
/** Of an integer: the first octet and what 32 bits take after it. */
const integerBytesMax = 6;

/** Writes integers and strings (RFC 7541, 5). One block after another, into the same memory. */
export class BlockWriter {
  #bytes = new Uint8Array(keptBytes);
  #length = 0;

  /** Begins a block; what was written of one that was given up is gone. */
  start(): void {
    this.#length = 0;
  }

  /** What was written since the start, as bytes of its own. */
  finish(): Uint8Array {
    const block = this.#bytes.slice(0, this.#length);
    if (this.#bytes.length > keptBytes) this.#bytes = new Uint8Array(keptBytes);
    return block;
  }

  /** `pattern` holds the bits of the first octet above the `prefixBits` of the integer. */
  integer(pattern: number, prefixBits: number, value: number): void {
    this.#makeRoom(integerBytesMax);
    const prefixMax = (1 << prefixBits) - 1;
    if (value < prefixMax) {
      this.#bytes[this.#length++] = pattern | value;
      return;
    }
    this.#bytes[this.#length++] = pattern | prefixMax;
    let rest = value - prefixMax;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** In Huffman code where that is shorter. */
  string(text: string): void {
    let bits = 0;
    for (let at = 0; at < text.length; at++) {
      const character = text.charCodeAt(at);
      assert(character < 256, 'a header field holds a character that is not one byte');
      bits += codeLengths[character] as number;
    }
    const huffmanBytes = (bits + 7) >>> 3;
    if (huffmanBytes < text.length) {
      this.integer(0x80, 7, huffmanBytes);
      this.#makeRoom(huffmanBytes);
      this.#huffman(text);
      return;
    }
    this.integer(0, 7, text.length);
    this.#makeRoom(text.length);
    for (let at = 0; at < text.length; at++) this.#bytes[this.#length++] = text.charCodeAt(at);
  }

  #huffman(text: string): void {
    const bytes = this.#bytes;
    let length = this.#length;
    let pending = 0;
    let pendingBits = 0;
    for (let at = 0; at < text.length; at++) {
      const symbol = text.charCodeAt(at);
      let code = codes[symbol] as number;
      let codeBits = codeLengths[symbol] as number;
      // Seven bits that wait and the longest code, 30, are more than the 32 of a shift.
      if (codeBits > 24) {
        pending = (pending << (codeBits - 16)) | (code >>> 16);
        pendingBits += codeBits - 16;
        code &= 0xffff;
        codeBits = 16;
        for (; pendingBits >= 8; pendingBits -= 8) {
          bytes[length++] = pending >>> (pendingBits - 8);
        }
      }
      pending = (pending << codeBits) | code;
      pendingBits += codeBits;
      for (; pendingBits >= 8; pendingBits -= 8) bytes[length++] = pending >>> (pendingBits - 8);
    }
    if (pendingBits > 0) {
      const padding = 8 - pendingBits;
      bytes[length++] = (pending << padding) | ((1 << padding) - 1);
    }
    this.#length = length;
  }

  #makeRoom(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + bytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
