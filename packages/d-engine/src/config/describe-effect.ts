import { describeOrigin, type Origin } from './setting-node.ts';

/** The warning for a key that is accepted for the sake of old files only. */
export function describeDeadKey(key: string, reason: string | undefined, origin: Origin): string {
  const why = reason === undefined ? 'was never used' : `is not used here, as ${reason}`;
  return `config key ${key} is accepted but ${why}; remove it (${describeOrigin(origin)})`;
}

/** The warning for a key that a later version obeys. */
export function describeNotYet(key: string, note: string | undefined, origin: Origin): string {
  const consequence = note === undefined ? '' : `: ${note}`;
  return `config key ${key} has no effect yet (${describeOrigin(origin)})${consequence}`;
}
