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
}

/** Where the bundle notes that the changed line ran: a bug that never runs proves nothing. */
export const markName = 'plantedBugReached';
/** What the bundle prints at its end when it did. */
export const markLine = 'planted bug reached';
/** An expression for the replaced text. */
export const reached: string = `globalThis.${markName} = true`;
