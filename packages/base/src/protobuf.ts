import { exactIntegerMax } from './ids.ts';

/** Bytes that are no message of the expected type. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const twoTo32 = 2 ** 32;
const groupDepthRefusal = 'groups are not supported';

/**
 * Writes protobuf fields one after another. Fields with default values are the caller's to skip.
 */
export class ProtobufWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(expectedBytes = 64) {
    this.#buffer = Buffer.allocUnsafe(expectedBytes);
  }

  /** A varint field; `value` is a whole number from 0 to 2^53 - 1. */
  uint(field: number, value: number): void {
    this.#tag(field, wireTypes.varint);
    this.#varint(value);
  }

  bool(field: number, value: boolean): void {
    this.uint(field, value ? 1 : 0);
  }

  bytes(field: number, value: Uint8Array): void {
    this.#tag(field, wireTypes.bytes);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  string(field: number, value: string): void {
    const length = Buffer.byteLength(value);
    this.#tag(field, wireTypes.bytes);
    this.#varint(length);
    this.#reserve(length);
    this.#length += this.#buffer.write(value, this.#length, 'utf8');
  }

  /** Chunks that together are one bytes field: saves joining them first. */
  chunks(field: number, values: readonly Uint8Array[]): void {
    let total = 0;
    for (const value of values) total += value.length;
    this.#tag(field, wireTypes.bytes);
    this.#varint(total);
    this.#reserve(total);
    for (const value of values) {
      this.#buffer.set(value, this.#length);
      this.#length += value.length;
    }
  }

  /** The message. The writer must not be used again. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  #varint(value: number): void {
    if (!Number.isInteger(value) || value < 0 || value > exactIntegerMax) {
      throw new RangeError(`${value} does not fit in an unsigned protobuf field`);
    }
    this.#reserve(10);
    let rest = value;
    while (rest >= 128) {
      this.#buffer[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#length++] = rest;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

/**
 * Reads protobuf fields: `while (reader.next()) switch (reader.field) ...`, with one read or
 * `skip()` a field. Throws {@link MalformedMessage} on anything else than a message.
 */
export class ProtobufReader {
  readonly #bytes: Uint8Array;
  #position = 0;
  #field = 0;
  #wireType = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The number of the field that {@link next} stopped at. */
  get field(): number {
    return this.#field;
  }

  next(): boolean {
    if (this.#position >= this.#bytes.length) return false;
    const tag = this.#varint();
    this.#field = Math.floor(tag / 8);
    this.#wireType = tag % 8;
    if (this.#field === 0) throw new MalformedMessage('field number 0');
    return true;
  }

  /** A uint32, uint64, int32 (not negative) or enum; over 2^53 is refused. */
  uint(): number {
    this.#expect(wireTypes.varint);
    return this.#varint();
  }

  /** An int32 or enum that may be negative. */
  int32(): number {
    this.#expect(wireTypes.varint);
    return this.#varintLow32() | 0;
  }

  bool(): boolean {
    this.#expect(wireTypes.varint);
    return this.#varint() !== 0;
  }

  /** A view into the message: copy what must outlive it. */
  bytes(): Uint8Array {
    this.#expect(wireTypes.bytes);
    const length = this.#varint();
    const start = this.#position;
    this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  string(): string {
    const bytes = this.bytes();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  }

  /** Passes over a field that this version does not know. */
  skip(): void {
    if (this.#wireType === wireTypes.varint) this.#varintLow32();
    else if (this.#wireType === wireTypes.fixed64) this.#advance(8);
    else if (this.#wireType === wireTypes.fixed32) this.#advance(4);
    else if (this.#wireType === wireTypes.bytes) this.#advance(this.#varint());
    else throw new MalformedMessage(groupDepthRefusal);
  }

  #expect(wireType: number): void {
    if (this.#wireType === wireType) return;
    throw new MalformedMessage(`field ${this.#field} has wire type ${this.#wireType}`);
  }

  #advance(length: number): void {
    if (length > this.#bytes.length - this.#position) {
      throw new MalformedMessage(`field ${this.#field} is cut off`);
    }
    this.#position += length;
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (value > exactIntegerMax) throw new MalformedMessage(`field ${this.#field} is over 2^53`);
      if (byte < 128) return value;
      scale *= 128;
    }
    throw new MalformedMessage('a number of more than ten bytes');
  }

  /** The low 32 bits: a negative int32 takes ten bytes on the wire. */
  #varintLow32(): number {
    let low = 0;
    for (let count = 0; count < 10; count++) {
      const byte = this.#byte();
      if (count < 5) low = (low + (byte & 127) * 128 ** count) % twoTo32;
      if (byte < 128) return low;
    }
    throw new MalformedMessage('a number of more than ten bytes');
  }

  #byte(): number {
    const byte = this.#bytes[this.#position++];
    if (byte === undefined) throw new MalformedMessage('the message is cut off');
    return byte;
  }
}
