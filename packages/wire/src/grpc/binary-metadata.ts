/** Metadata whose name ends so is bytes; in headers, and in our `Metadata`, it is base64 text. */
const binarySuffix = '-bin';

export function isBinaryKey(name: string): boolean {
  return name.endsWith(binarySuffix);
}

/** The value of a `-bin` key: one or more strings of bytes, without padding, joined by commas. */
export function encodeBinaryMetadata(...values: readonly Uint8Array[]): string {
  return values.map(encodeOne).join(',');
}

/** What the value of a `-bin` key holds; undefined when it is no base64. */
export function decodeBinaryMetadata(value: string): Uint8Array[] | undefined {
  const parts = value.split(',').map((part) => part.trim());
  if (!parts.every(isBase64)) return undefined;
  return parts.map((part) => Buffer.from(part, 'base64'));
}

/** A value as it came, in the form that we send; undefined when it is no base64. */
export function canonicalBinary(value: string): string | undefined {
  const values = decodeBinaryMetadata(value);
  return values === undefined ? undefined : encodeBinaryMetadata(...values);
}

function encodeOne(bytes: Uint8Array): string {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
  return base64.replace(/=+$/, '');
}

/** With all of its padding or with none. A last group of one character holds no byte. */
function isBase64(text: string): boolean {
  const match = /^([0-9A-Za-z+/]*)(={0,2})$/.exec(text);
  if (match === null) return false;
  const [, digits = '', padding = ''] = match;
  if (digits.length % 4 === 1) return false;
  return padding === '' || text.length % 4 === 0;
}
