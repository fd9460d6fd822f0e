import type { Address } from '@d-engine/base';
import { StatusError } from '@d-engine/base';

/** `ECONNREFUSED` says more to an operator than a sentence around it; Node's own codes do not. */
export function describeSocketError(error: NodeJS.ErrnoException): string {
  const { code } = error;
  if (code === undefined || code.startsWith('ERR_')) return error.message;
  // OpenSSL's codes are names of certificate problems, and its text explains them.
  return code === error.message || /^E[A-Z]+$/.test(code) ? code : `${error.message} (${code})`;
}

export function listenError(address: Address, error: NodeJS.ErrnoException): StatusError {
  const why =
    error.code === 'EADDRINUSE'
      ? 'the port is taken (EADDRINUSE): stop the other process or choose another port'
      : describeSocketError(error);
  const message = `cannot listen on ${address}: ${why}`;
  return new StatusError({ status: 'unavailable', message }, false, { cause: error });
}

/** For the handler of a stream that never opened: certainly nothing was sent. */
export function connectError(address: Address, why: string, cause?: Error): StatusError {
  const message = `cannot connect to ${address}: ${why}`;
  return new StatusError({ status: 'unavailable', message }, false, { cause });
}

/** For the handler of a stream that broke off. */
export function lossError(why: string, cause?: Error): StatusError {
  const message = `the connection was lost: ${why}`;
  return new StatusError({ status: 'unavailable', message }, true, { cause });
}
