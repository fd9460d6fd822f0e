import { StatusError } from '@d-engine/base';

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

/** Why a connection ended that its peer ended in good order. */
export const closedByPeer = 'the peer closed the connection';

/** `ECONNREFUSED` says more to an operator than a sentence around it; Node's own codes do not. */
export function reasonOf(error: Error | undefined): string {
  if (error === undefined) return closedByPeer;
  if (error instanceof StatusError && error.cause instanceof Error) return reasonOf(error.cause);
  const { code } = error as Error & { readonly code?: unknown };
  return typeof code === 'string' && !code.startsWith('ERR_') ? code : error.message;
}
