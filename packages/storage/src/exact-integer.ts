import { assert, exactIntegerMax } from '@d-engine/base';

const twoTo32 = 2 ** 32;

/** Writes a whole number up to 2^53 - 1 as u64, little-endian. */
export function writeExact(buffer: Buffer, offset: number, value: number): void {
  assert(
    Number.isInteger(value) && value >= 0 && value <= exactIntegerMax,
    () => `${value} is not an exact whole number`,
  );
  buffer.writeUInt32LE(value % twoTo32, offset);
  buffer.writeUInt32LE(Math.floor(value / twoTo32), offset + 4);
}

/** The number at `offset`; undefined when it is over 2^53 - 1, which nobody wrote. */
export function readExact(buffer: Buffer, offset: number): number | undefined {
  const value = buffer.readUInt32LE(offset) + buffer.readUInt32LE(offset + 4) * twoTo32;
  return value <= exactIntegerMax ? value : undefined;
}
