import type { Random } from '@d-engine/base';

/** 32 hex digits: unique wherever it is compared. */
export function randomId(random: Random): string {
  return Buffer.from(random.bytes(16)).toString('hex');
}
