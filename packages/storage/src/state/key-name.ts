/** A key as a string of its bytes: equal, and in the same order, exactly when the bytes are. */
export function keyNameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}

export function keyOfName(name: string): Uint8Array {
  return Buffer.from(name, 'latin1');
}
