import type { Plane } from '@d-engine/base';
import type { RaftMessage } from '../../src/index.ts';

/** Everything that the harness takes from the package under test, in one place. */
export * from '../../src/index.ts';

/** Entries and their acknowledgements travel on Data, in order; all else on Control. */
export function planeOf(message: RaftMessage): Plane {
  return message.type === 'appendRequest' || message.type === 'appendResponse' ? 'data' : 'control';
}
