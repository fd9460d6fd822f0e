import { StateQuota } from '../state-quota.ts';

/** Refuses nothing. */
export function roomyQuota(): StateQuota {
  return new StateQuota({
    state: { stateBytes: 0, get: () => [] },
    bytesMax: Number.MAX_SAFE_INTEGER,
    onRefused: () => undefined,
  });
}
