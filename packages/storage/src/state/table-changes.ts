import type { LeaseId, SessionId } from '@d-engine/base';

/** Which records of the tables came, changed or went since they were written down last. */
export class TableChanges {
  readonly sessions: Set<SessionId> = new Set();
  /** Of each session, the sequences. */
  readonly results: Map<SessionId, Set<number>> = new Map();
  readonly leases: Set<LeaseId> = new Set();

  addResult(session: SessionId, sequence: number): void {
    const sequences = this.results.get(session);
    if (sequences === undefined) this.results.set(session, new Set([sequence]));
    else sequences.add(sequence);
  }

  clear(): void {
    this.sessions.clear();
    this.results.clear();
    this.leases.clear();
  }
}
