import type { Revision } from '@d-engine/base';

/** Where a command stands. */
export interface CommandAt {
  readonly revision: Revision;
  /** Cluster time of the command: the same on every member, and it never goes back. */
  readonly clusterTimeMs: number;
}

/**
 * A replicated state of a host's own. Commands, results and queries are bytes that the engine does
 * not look into.
 */
export interface ApplicationStateMachine {
  /**
   * Carries out a committed command and answers it. What it does must follow from state, command
   * and place alone - no clock, no chance, nothing outside - as every member does it for itself. A
   * command that cannot be carried out is a result too: what throws is a defect, and stops the
   * member.
   */
  apply(command: Uint8Array, at: CommandAt): Uint8Array;
  /** Reads. What it throws is the answer to its caller, and concerns nobody else. */
  query(request: Uint8Array): Uint8Array;
  /**
   * The state as it is now, for a snapshot. The first piece is taken at once, the others while
   * commands go on: they must not show them.
   */
  snapshot(): Iterable<Uint8Array>;
  /**
   * Called on a new machine, before anything else: becomes what `snapshot` gave. The bytes come in
   * the same order, in other pieces. What it throws refuses the snapshot.
   */
  restore(bytes: AsyncIterable<Uint8Array>): Promise<void>;
}

/** Makes an empty one. */
export type ApplicationFactory = () => ApplicationStateMachine;
