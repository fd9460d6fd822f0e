import type { Operation } from '@d-engine/simulator';
import { formatViolation, judgeHistory } from '@d-engine/simulator';

/** All that was wrong: with what clients saw, and with the processes. Empty: nothing was. */
export function problemsOf(
  operations: readonly Operation[],
  ofNodes: readonly string[],
): readonly string[] {
  return [...judgeHistory(operations).map(formatViolation), ...ofNodes];
}
