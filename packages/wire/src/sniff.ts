/** What every HTTP/2 connection with prior knowledge begins with (RFC 9113, section 3.4). */
export const http2Preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

const prefaceBytes = Buffer.from(http2Preface, 'latin1');

/**
 * Tells the two protocols of one port apart by the first bytes of a connection. A TCP segment may
 * end anywhere, so while all bytes so far fit the preface the answer is `undecided`: ask again
 * with more. Anything else is left to the HTTP/1.1 parser, which also refuses garbage.
 */
export function detectProtocol(firstBytes: Uint8Array): 'http2' | 'http1' | 'undecided' {
  const length = Math.min(firstBytes.length, prefaceBytes.length);
  for (let index = 0; index < length; index++) {
    if (firstBytes[index] !== prefaceBytes[index]) return 'http1';
  }
  return length === prefaceBytes.length ? 'http2' : 'undecided';
}
