/**
 * The fields of one header block in their order, flat: name, value, name, value ... Names are in
 * lower case, every character of a value is one byte (latin1). Whoever hands a list on does not
 * change it afterwards: lists are keys of caches.
 */
export type HeaderList = readonly string[];

/** What a field costs besides its name and value (RFC 7541, 4.1, and RFC 9113, 6.5.2). */
export const fieldOverheadBytes = 32;

export function fieldBytes(name: string, value: string): number {
  return name.length + value.length + fieldOverheadBytes;
}

/**
 * A header block cannot be read. Both sides' tables may differ from here on, so it ends the
 * connection with COMPRESSION_ERROR (RFC 9113, 4.3).
 */
export class HpackError extends Error {
  override readonly name = 'HpackError';
}

/**
 * The block was read whole and the tables agree, but its fields are more than this side takes:
 * only the stream that it came for is refused.
 */
export class HeaderListTooLarge {
  /** By the measure of SETTINGS_MAX_HEADER_LIST_SIZE. */
  readonly sizeBytes: number;

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
  }
}
