import type { IncomingCall } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import { toFailure } from '@d-engine/wire';
import { hintAddress } from '../addresses.ts';

/** Ends a call with an error; the leader's address is one that this caller can use. */
export function failCall(call: IncomingCall, error: DEngineError): void {
  call.fail(toFailure(withUsableHint(error, call.localHost)));
}

export function withUsableHint(error: DEngineError, callerHost: string | undefined): DEngineError {
  const leader = error.leader;
  if (leader === undefined) return error;
  const address = hintAddress(leader.address, callerHost);
  if (address === leader.address) return error;
  return new DEngineError(error.name, error.message.replace(leader.address, address), {
    leader: { id: leader.id, address },
    retryAfterMs: error.retryAfterMs,
    cause: error.cause,
  });
}
