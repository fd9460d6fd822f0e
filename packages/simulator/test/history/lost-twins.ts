import type { Operation } from '../../src/history/operation.ts';
import type { Pick as Choose } from './generate.ts';

/**
 * Up to eight operations on a key: two or three writes of one value whose outcome nobody knows,
 * alike or with different TTLs, then others that have to be explained by them.
 */
export function drawLostTwins(pick: Choose): Operation[] {
  const lost = Array.from({ length: 2 + pick(2) }, (_, index): Operation => {
    const command = { type: 'put', value: 'x', ...drawTtl(pick) } as const;
    const call = { client: `lost${index}`, key: 'k', command, invokedAtMs: pick(12) };
    return { ...call, settledAtMs: Infinity, outcome: { type: 'unknown' } };
  });
  let nowMs = 4;
  const told = Array.from({ length: 3 + pick(3) }, (_, index): Operation => {
    const invokedAtMs = nowMs + pick(8);
    const settledAtMs = invokedAtMs + pick(6);
    // Mostly one after the other: what overlaps is easily explained.
    nowMs = settledAtMs + (pick(4) === 0 ? -3 : 1);
    return { client: 'c', key: 'k', ...drawTold(pick, index), invokedAtMs, settledAtMs };
  });
  return [...lost, ...told];
}

function drawTtl(pick: Choose): { readonly ttlMs?: number } {
  return pick(4) === 0 ? {} : { ttlMs: [3, 12, 30][pick(3)] as number };
}

function drawTold(pick: Choose, index: number): Pick<Operation, 'command' | 'outcome'> {
  const seeing = (value: string | null): Pick<Operation, 'command' | 'outcome'> => ({
    command: { type: 'read', consistency: 'linearizable' },
    outcome: { type: 'answered', answer: { type: 'read', value } },
  });
  switch (pick(7)) {
    case 0:
    case 1:
      return {
        command: { type: 'put', value: `y${index}` },
        outcome: { type: 'answered', answer: { type: 'put' } },
      };
    case 2:
      return {
        command: { type: 'delete' },
        outcome: { type: 'answered', answer: { type: 'delete', deleted: pick(2) === 0 } },
      };
    case 3:
    case 4:
      return seeing(null);
    default:
      return seeing('x');
  }
}
