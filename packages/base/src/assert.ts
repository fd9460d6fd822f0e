/**
 * An impossible state was reached: a defect of ours, never the fault of a caller or of input.
 * The runtime stops the node on it, because going on could break what clients were promised.
 */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

/** Throws {@link InvariantViolation} unless `condition` holds. The message is built only then. */
export function assert(condition: boolean, message: string | (() => string)): asserts condition {
  if (condition) return;
  throw new InvariantViolation(typeof message === 'string' ? message : message());
}

/** Returns `value`, which must be present; names it in the violation otherwise. */
export function must<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new InvariantViolation(`${what} is missing`);
  return value;
}

/** Marks the branch that an exhaustive `switch` never takes. */
export function unreachable(value: never, what: string): never {
  throw new InvariantViolation(`unexpected ${what}: ${JSON.stringify(value)}`);
}
