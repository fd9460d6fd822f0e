import type { Answer, Command, Operation } from '../../src/history/operation.ts';
import type { Pick } from './generate.ts';

/** Two to seven operations with answers that have nothing to do with each other. */
export function drawGarbage(pick: Pick): Operation[] {
  const keys = 1 + pick(2);
  const values = 1 + pick(3);
  const spanMs = 4 + pick(30);
  return Array.from({ length: 2 + pick(6) }, (_, index) => {
    const command = drawCommand(pick, values);
    const invokedAtMs = pick(spanMs);
    const call = { client: `c${index}`, key: `k${pick(keys)}`, command, invokedAtMs };
    if (command.type !== 'read' && pick(8) < 3) {
      return { ...call, settledAtMs: Infinity, outcome: { type: 'unknown' } };
    }
    const answer = drawAnswer(pick, command, values);
    const settledAtMs = invokedAtMs + pick(20);
    return { ...call, settledAtMs, outcome: { type: 'answered', answer } };
  });
}

function drawCommand(pick: Pick, values: number): Command {
  switch (pick(7)) {
    case 0:
    case 1:
      return { type: 'read', consistency: 'linearizable' };
    case 2:
      return { type: 'put', value: drawText(pick, values) };
    case 3:
      return { type: 'put', value: drawText(pick, values), ttlMs: pick(12) };
    case 4:
      return { type: 'delete' };
    default:
      return {
        type: 'compareAndSwap',
        expected: drawValue(pick, values),
        value: drawValue(pick, values),
      };
  }
}

function drawAnswer(pick: Pick, { type }: Command, values: number): Answer {
  const revision = drawField(pick, 'revision', drawRevision(pick));
  switch (type) {
    case 'read': {
      const value = drawValue(pick, values);
      if (value === null) return { type, value };
      return { type, value, ...drawField(pick, 'modRevision', drawRevision(pick)) };
    }
    case 'put':
      return { type, ...revision };
    case 'delete':
      return { type, ...drawField(pick, 'deleted', pick(2) === 0), ...revision };
    case 'compareAndSwap': {
      if (pick(2) === 0) return { type, succeeded: true, ...revision };
      const current = drawField(pick, 'current', drawValue(pick, values));
      return { type, succeeded: false, ...current, ...revision };
    }
  }
}

/** Told or not. */
function drawField<Name extends string, T>(
  pick: Pick,
  name: Name,
  value: T,
): { readonly [Key in Name]?: T } {
  return pick(2) === 0 ? {} : ({ [name]: value } as { readonly [Key in Name]: T });
}

function drawRevision(pick: Pick): number {
  return 1 + pick(3);
}

function drawValue(pick: Pick, values: number): string | null {
  return pick(3) === 0 ? null : drawText(pick, values);
}

function drawText(pick: Pick, values: number): string {
  return `v${pick(values)}`;
}
