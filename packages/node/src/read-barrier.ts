import type { DEngineError } from '@d-engine/base';
import type { ReadRequest } from './reads.ts';

/**
 * Resolves once this member has applied everything that was acknowledged before the call; rejects
 * as a linearizable read does. It is no client's read: what clients may choose does not matter.
 */
export function readBarrier(
  submitRead: (request: ReadRequest) => DEngineError | undefined,
  deadlineMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const refused = submitRead({
      question: { type: 'keys', keys: [] },
      consistency: 'linearizable',
      minRevision: 0,
      deadlineMs,
      settle: (reply) => (reply.ok ? resolve() : reject(reply.error)),
    });
    if (refused !== undefined) reject(refused);
  });
}
