import { codeLengths, codes } from '../../src/hpack/huffman-code.ts';
import { staticNames, staticValues } from '../../src/hpack/static-table.ts';

/** Why a block is none, in one word: the decoder under test must refuse it too. */
export class NaiveRefusal extends Error {}

const symbols: ReadonlyMap<string, number> = new Map(
  [...codes].map((code, symbol) => [
    code.toString(2).padStart(codeLengths[symbol] as number, '0'),
    symbol,
  ]),
);

/** Huffman decoding bit by bit, as RFC 7541, 5.2 words it. */
export function naiveHuffman(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let text = '';
  let code = '';
  for (const bit of bits) {
    code += bit;
    const symbol = symbols.get(code);
    if (symbol === undefined) continue;
    if (symbol === 256) throw new NaiveRefusal('end of string');
    text += String.fromCharCode(symbol);
    code = '';
  }
  if (code.length > 7 || code.includes('0')) throw new NaiveRefusal('padding');
  return text;
}

type Field = readonly [name: string, value: string];

/** Reads blocks by the letter of the RFC, with no thought of speed: what ours is held against. */
export class NaiveDecoder {
  /** Newest first. */
  readonly table: Field[] = [];
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;
  #tableBytes = 4096;
  readonly #limitBytes: number;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
    this.#tableBytes = Math.min(limitBytes, 4096);
  }

  decode(block: Uint8Array): string[] {
    this.#bytes = block;
    this.#at = 0;
    const fields: Field[] = [];
    while (this.#at < this.#bytes.length) {
      const octet = this.#bytes[this.#at] as number;
      if (octet >> 5 === 1) this.#resize(this.#integer(5), fields.length);
      else if (octet >= 128) fields.push(this.#fieldAt(this.#integer(7)));
      else if (octet >= 64) {
        fields.push(this.#literal(6));
        this.table.unshift(fields.at(-1) as Field);
        this.#evict();
      } else fields.push(this.#literal(4));
    }
    return fields.flat();
  }

  #literal(prefixBits: number): Field {
    const index = this.#integer(prefixBits);
    const name = index === 0 ? this.#string() : this.#fieldAt(index)[0];
    return [name, this.#string()];
  }

  #fieldAt(index: number): Field {
    const isStatic = index < staticNames.length;
    const field: Field | undefined = isStatic
      ? [staticNames[index] as string, staticValues[index] as string]
      : this.table[index - staticNames.length];
    if (index === 0 || field === undefined) throw new NaiveRefusal('index');
    return field;
  }

  #resize(bytes: number, fieldsBefore: number): void {
    if (bytes > this.#limitBytes || fieldsBefore > 0) throw new NaiveRefusal('size update');
    this.#tableBytes = bytes;
    this.#evict();
  }

  #evict(): void {
    const sizeBytes = (): number =>
      this.table.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
    while (sizeBytes() > this.#tableBytes) this.table.pop();
  }

  #octet(): number {
    const octet = this.#bytes[this.#at++];
    if (octet === undefined) throw new NaiveRefusal('cut off');
    return octet;
  }

  #integer(prefixBits: number): number {
    const prefix = this.#octet() & (2 ** prefixBits - 1);
    if (prefix < 2 ** prefixBits - 1) return prefix;
    let value = prefix;
    for (let exponent = 0; exponent < 35; exponent += 7) {
      const octet = this.#octet();
      value += (octet & 127) * 2 ** exponent;
      if (octet < 128) {
        if (value > 2 ** 32 - 1) break;
        return value;
      }
    }
    throw new NaiveRefusal('integer');
  }

  #string(): string {
    const isHuffman = (this.#bytes[this.#at] ?? 0) >= 128;
    const length = this.#integer(7);
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw new NaiveRefusal('cut off');
    this.#at += length;
    return isHuffman ? naiveHuffman(bytes) : Buffer.from(bytes).toString('latin1');
  }
}
