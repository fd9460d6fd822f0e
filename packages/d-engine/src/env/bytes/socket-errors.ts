import type { Address } from '@d-engine/base';
import { errorRegistry, StatusError } from '@d-engine/base';
import { errorMetadataKey } from '@d-engine/wire';
import { describeTlsProblem } from './tls-problems.ts';

/** `ECONNREFUSED` says more to an operator than a sentence around it; Node's own codes do not. */
export function describeSocketError(error: NodeJS.ErrnoException): string {
  const { code } = error;
  const problem = describeTlsProblem(error);
  if (problem !== undefined) return problem;
  if (code === undefined || code.startsWith('ERR_')) return error.message;
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

/** As {@link connectError}, for what the two sides prove to each other: no retry mends it. */
export function distrustError(address: Address, why: string, cause?: Error): StatusError {
  const message = `cannot connect to ${address}: ${why}`;
  const metadata = { [errorMetadataKey]: String(errorRegistry.TlsFailed.code) };
  return new StatusError({ status: 'unauthenticated', message, metadata }, false, { cause });
}

/** Of a connection that was not taken. */
export function refusalError(remoteHost: string | undefined, why: string, cause?: Error): Error {
  const who = remoteHost === undefined ? 'a caller' : `the caller at ${remoteHost}`;
  return new Error(`refused ${who}: ${why}`, { cause });
}

/** For the handler of a stream that broke off. */
export function lossError(why: string, cause?: Error): StatusError {
  const message = `the connection was lost: ${why}`;
  return new StatusError({ status: 'unavailable', message }, true, { cause });
}
