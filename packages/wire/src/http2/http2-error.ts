/**
 * The other side broke the protocol, or asks too much, so that the connection cannot go on
 * (RFC 9113, section 5.4.1): it is told by GOAWAY with `code`.
 */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly code: number;

  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
