import { describeOperation } from './describe-operation.ts';
import { checkKey, searchStepsMax } from './linearizability.ts';
import { offendingPart } from './offending-part.ts';
import type { Operation } from './operation.ts';

export type Verdict =
  | { readonly type: 'linearizable' }
  | {
      readonly type: 'notLinearizable';
      readonly key: string;
      readonly part: readonly Operation[];
    }
  | { readonly type: 'undecided'; readonly key: string };

/**
 * Whether a history of a store is linearizable. Keys are looked at one by one, which is the same:
 * a history is linearizable exactly when each of its objects is (Herlihy and Wing, 1990). Eventual
 * reads promise less and are left out.
 */
export function checkLinearizability(
  operations: readonly Operation[],
  options: { readonly stepsMax?: number } = {},
): Verdict {
  const stepsMax = options.stepsMax ?? searchStepsMax;
  let undecided: string | undefined;
  for (const [key, all] of groupByKey(operations)) {
    const ofKey = all.filter((operation) => !isEventual(operation));
    const verdict = checkKey(ofKey, stepsMax);
    if (verdict.type === 'notLinearizable') {
      return { type: 'notLinearizable', key, part: offendingPart(ofKey, verdict.failedAt) };
    }
    if (verdict.type === 'undecided') undecided = key;
  }
  return undecided === undefined ? { type: 'linearizable' } : { type: 'undecided', key: undecided };
}

/** The lines that `npm run check-history` prints. */
export function describeVerdict(verdict: Verdict): string[] {
  switch (verdict.type) {
    case 'linearizable':
      return ['linearizable'];
    case 'undecided':
      return [`undecided: key ${JSON.stringify(verdict.key)} has too many possible orders`];
    case 'notLinearizable':
      return [
        'not linearizable',
        `no order explains these operations on key ${JSON.stringify(verdict.key)}:`,
        ...verdict.part.map((operation) => `  ${describeOperation(operation)}`),
      ];
  }
}

export function isEventual({ command }: Operation): boolean {
  return command.type === 'read' && command.consistency === 'eventual';
}

export function groupByKey(operations: readonly Operation[]): Map<string, Operation[]> {
  const byKey = new Map<string, Operation[]>();
  for (const operation of operations) {
    const ofKey = byKey.get(operation.key);
    if (ofKey === undefined) byKey.set(operation.key, [operation]);
    else ofKey.push(operation);
  }
  return byKey;
}
