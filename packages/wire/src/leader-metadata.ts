import type { LeaderHint, Metadata } from '@d-engine/base';

/** Metadata of a failure, and HTTP header: who leads, as JSON `{ leader_id, address }`. */
export const leaderMetadataKey = 'x-raft-leader';
/** Our own: the number of the error in the registry; a gRPC status alone stands for several. */
export const errorMetadataKey = 'x-d-engine-error';
export const retryAfterMetadataKey = 'x-d-engine-retry-after-ms';

/** The value of {@link leaderMetadataKey}; ASCII, as headers must be. */
export function formatLeader(leader: LeaderHint): string {
  const json = JSON.stringify({ leader_id: leader.id, address: leader.address });
  return json.replace(
    /[^ -~]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Undefined unless the value is such a hint: a hint is an offer, never worth a second error. */
export function parseLeader(value: string | undefined): LeaderHint | undefined {
  if (value === undefined) return undefined;
  const parsed = parseJson(value);
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { leader_id: id, address } = parsed as { leader_id?: unknown; address?: unknown };
  return makeLeader(Number(id), address);
}

/** A hint from its parts, as found in {@link Metadata} or an ErrorMetadata. */
export function makeLeader(id: number, address: unknown): LeaderHint | undefined {
  if (!Number.isInteger(id) || id < 1 || id >= 2 ** 32) return undefined;
  if (typeof address !== 'string' || address === '') return undefined;
  return { id, address };
}

/** What a failure's metadata says of the leader. */
export function leaderOf(metadata: Metadata): LeaderHint | undefined {
  return parseLeader(metadata[leaderMetadataKey]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
