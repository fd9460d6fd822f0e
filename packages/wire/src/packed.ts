import { exactIntegerMax, MalformedMessage, type ProtobufWriter } from '@d-engine/base';

// Repeated numbers, packed into one bytes field as every proto3 encoder does by default.

export function writePacked(
  writer: ProtobufWriter,
  field: number,
  values: readonly number[],
): void {
  if (values.length === 0) return;
  const packed: number[] = [];
  for (const value of values) {
    let rest = value;
    while (rest >= 128) {
      packed.push((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    packed.push(rest);
  }
  writer.bytes(field, Uint8Array.from(packed));
}

/** Appends, because an encoder may spread one list over several fields. */
export function appendPacked(values: number[], bytes: Uint8Array): void {
  let value = 0;
  let scale = 1;
  for (const byte of bytes) {
    value += (byte & 127) * scale;
    if (value > exactIntegerMax) throw new MalformedMessage('a packed number is over 2^53');
    if (byte >= 128) {
      scale *= 128;
      if (scale > exactIntegerMax * 128) throw new MalformedMessage('a packed number is too long');
    } else {
      values.push(value);
      value = 0;
      scale = 1;
    }
  }
  if (scale !== 1) throw new MalformedMessage('a packed number is cut off');
}
