import type { LogIndex, NodeId } from '@d-engine/base';
import { assert, limits } from '@d-engine/base';

/** A linearizable read that waits at the leader. */
export interface PendingRead {
  readonly readId: number;
  /** The member that asked; undefined for this one itself. */
  readonly from: NodeId | undefined;
  /** The commit index when it arrived. */
  index: LogIndex;
}

interface Round {
  readonly token: number;
  readonly startedMs: number;
  readonly reads: readonly PendingRead[];
}

/**
 * The reads that a leader has to confirm (dissertation, 6.4; design rule 5). Reads gather while a
 * round is on its way and share the next one; when none is on its way they wait for nothing.
 */
export class LeaderReads {
  /** No entry of the own term is committed yet, so the commit index may be behind. */
  #unready: PendingRead[] = [];
  #gathering: PendingRead[] = [];
  // Invariant: tokens rise; no round is empty.
  #rounds: Round[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** False when too many wait already. `ready`: an entry of the own term is committed. */
  add(read: PendingRead, ready: boolean): boolean {
    if (this.#count >= limits.pendingReadsMax) return false;
    (ready ? this.#gathering : this.#unready).push(read);
    this.#count += 1;
    return true;
  }

  /** An entry of the own term is committed now: what waited for it may gather. */
  becomeReady(commitIndex: LogIndex): void {
    for (const read of this.#unready) {
      assert(read.index <= commitIndex, 'the commit index never falls');
      read.index = commitIndex;
      this.#gathering.push(read);
    }
    this.#unready = [];
  }

  /** When {@link wantsRound} may become true by the passing of time. */
  nextRoundMs(heartbeatIntervalMs: number): number {
    const newest = this.#rounds[this.#rounds.length - 1];
    if (this.#gathering.length === 0 || newest === undefined) return Number.POSITIVE_INFINITY;
    return newest.startedMs + heartbeatIntervalMs;
  }

  wantsRound(atMs: number, heartbeatIntervalMs: number): boolean {
    if (this.#gathering.length === 0) return false;
    return this.#rounds.length === 0 || atMs >= this.nextRoundMs(heartbeatIntervalMs);
  }

  /** A round leaves with `token`, which no message carried before. */
  startRound(token: number, atMs: number): void {
    const newest = this.#rounds[this.#rounds.length - 1];
    assert(newest === undefined || token > newest.token, 'tokens rise');
    assert(this.#gathering.length > 0, 'a round has reads');
    this.#rounds.push({ token, startedMs: atMs, reads: this.#gathering });
    this.#gathering = [];
  }

  /** A quorum has echoed `token` or a newer one: returns the reads that this confirms. */
  confirm(token: number): PendingRead[] {
    const confirmed: PendingRead[] = [];
    while (this.#rounds.length > 0) {
      const oldest = this.#rounds[0] as Round;
      if (oldest.token > token) break;
      this.#rounds.shift();
      for (const read of oldest.reads) confirmed.push(read);
    }
    this.#count -= confirmed.length;
    assert(this.#count >= 0, 'reads are counted');
    return confirmed;
  }

  /** Takes the gathered reads without a round: for an only voter, which is a quorum by itself. */
  takeGathering(): PendingRead[] {
    const taken = this.#gathering;
    this.#gathering = [];
    this.#count -= taken.length;
    return taken;
  }

  /** Takes all: leadership is over. */
  takeAll(): PendingRead[] {
    const all = this.confirm(Number.POSITIVE_INFINITY);
    const rest = all.concat(this.#gathering, this.#unready);
    this.#gathering = [];
    this.#unready = [];
    this.#count = 0;
    return rest;
  }
}
