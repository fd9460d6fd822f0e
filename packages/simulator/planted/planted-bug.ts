import type { CheckName } from '../src/violation.ts';

/** One place of the source, changed. */
export interface Edit {
  /** From the repository's root. */
  readonly file: string;
  /** Must occur exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

/** A change to the source that breaks a promise; applied at bundling, never in the tree. */
export interface PlantedBug {
  readonly name: string;
  /** The promise that it breaks, and the design rule or the place in the Raft paper. */
  readonly breaks: string;
  /** At least one of them sets the mark. */
  readonly edits: readonly Edit[];
  /** The checks that may see it first: others would see only what followed. */
  readonly foundBy: readonly CheckName[];
  /**
   * Of a bug that the product itself must notice: what its assertions say, one of which ends the
   * member. Set exactly when 'no member dies' is in `foundBy`: any other death proves nothing.
   */
  readonly assertions?: readonly string[];
}

/** Where the run that goes on notes that the changed line ran. */
export const markName = 'plantedBugReached';
/** An expression for the replaced text. */
export const reached: string = `globalThis.${markName} = true`;

/** The line that a bundle prints after each run in which the changed line ran. */
export function markLineOf(seed: number): string {
  return `${markWords} ${seed}`;
}
export const markWords = 'planted bug reached in seed';

/**
 * Many runs share a process, and each answers for itself: a bug that never ran in the run that
 * failed has not made it fail.
 */
export const markEachRun: Edit = {
  file: 'packages/simulator/src/main.ts',
  find: 'const result = await runSeed(seed, flags, flags.trace ? print : undefined);',
  replace: `globalThis.${markName} = false;
    const result = await runSeed(seed, flags, flags.trace ? print : undefined);
    if (globalThis.${markName}) print(\`${markWords} \${seed}\`);`,
};
