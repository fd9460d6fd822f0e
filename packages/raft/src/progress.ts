import type { InstanceId, LogIndex, NodeId } from '@d-engine/base';
import { assert } from '@d-engine/base';
import { CatchUp } from './catch-up.ts';
import { Inflight } from './inflight.ts';
import type { RecoveryGoal } from './messages.ts';

/**
 * What a leader knows of one peer's log.
 *
 * `probe`: where the logs meet is not known; one append at a time. `replicate`: they met, so
 * appends follow one another without waiting, up to the limits of {@link Inflight}. `snapshot`:
 * what it needs next is in a snapshot only; nothing is appended until that was sent or failed.
 */
export class Progress {
  readonly nodeId: NodeId;
  readonly inflight: Inflight = new Inflight();
  /** Told of acknowledgements while the peer is a learner. */
  readonly catchUp: CatchUp = new CatchUp();
  /**
   * It is a member no more, since that time of a heartbeat by which this was committed; Infinity:
   * not committed yet. Until it has had the time to hear so, it gets the log like any other.
   */
  leftAtMs: number | undefined;
  /** Whose acknowledgements these are; undefined until it answered. */
  instanceId: InstanceId | undefined;
  state: 'probe' | 'replicate' | 'snapshot' = 'probe';
  /** In `snapshot`: the last index of the one that is being sent; 0 until it is chosen. */
  snapshotIndex: LogIndex = 0;
  /** In `probe`: an append is under way, wait for its answer. */
  probeSent = false;
  /** The newest token that the peer echoed. */
  ackedToken = 0;
  /** When the newest message left that it answered; undefined until it did. */
  lastContactMs: number | undefined;
  /** When an append left or was acknowledged last. */
  lastActivityMs = 0;
  /**
   * A member that was bound in this term counts in commits only with this entry: whoever holds it
   * durably knows that the binding is committed, so what it helped to commit can be led on.
   */
  countsFrom: LogIndex = 0;
  /** What ends the recovery of this run of the peer; undefined unless it recovers. */
  recovery: RecoveryGoal | undefined;
  /** The commit index that the peer was told last. */
  #sentCommit: LogIndex = 0;
  /** When it is told of a newer one, should nothing else leave before; Infinity: it knows. */
  #commitDueMs = Number.POSITIVE_INFINITY;
  /** Entries from here on were asked of the disk. */
  wantedFrom: LogIndex | undefined;
  // Invariant: 0 <= matchIndex < nextIndex.
  #matchIndex: LogIndex = 0;
  #nextIndex: LogIndex;

  constructor(nodeId: NodeId, nextIndex: LogIndex) {
    this.nodeId = nodeId;
    this.#nextIndex = nextIndex;
    this.#check();
  }

  /** The peer holds everything up to here, durably. */
  get matchIndex(): LogIndex {
    return this.#matchIndex;
  }

  /** The first entry of the next append. */
  get nextIndex(): LogIndex {
    return this.#nextIndex;
  }

  get isPaused(): boolean {
    if (this.wantedFrom !== undefined || this.state === 'snapshot') return true;
    return this.state === 'probe' ? this.probeSent : this.inflight.isFull;
  }

  /**
   * Another instance answers under this id, or a run that forgot what an earlier one acknowledged:
   * nothing of the old one counts for it. What a late binding demands of this id stays: the
   * instance that was bound may come back.
   */
  startOver(instanceId: InstanceId, nextIndex: LogIndex): void {
    this.instanceId = instanceId;
    this.#matchIndex = 0;
    this.#nextIndex = nextIndex;
    this.ackedToken = 0;
    this.lastContactMs = undefined;
    this.tellsCommit(0);
    this.recovery = undefined;
    this.catchUp.startOver();
    this.#enterProbe();
  }

  /**
   * What is on the way may be lost: find out anew where the logs meet. A probe keeps its guess,
   * which may be far above what was acknowledged in this term: mostly that is nothing.
   */
  becomeProbe(): void {
    // A snapshot travels on a plane of its own.
    if (this.state === 'snapshot') return;
    if (this.state === 'replicate') this.#nextIndex = this.#matchIndex + 1;
    this.#enterProbe();
  }

  #enterProbe(): void {
    this.state = 'probe';
    this.snapshotIndex = 0;
    this.probeSent = false;
    this.wantedFrom = undefined;
    this.inflight.clear();
    this.#check();
  }

  becomeReplicate(): void {
    assert(this.state === 'probe', 'replication starts with a probe');
    this.state = 'replicate';
    this.#nextIndex = this.#matchIndex + 1;
    this.wantedFrom = undefined;
    this.probeSent = false;
    assert(this.inflight.count === 0, 'a probe is not in the window');
    this.#check();
  }

  becomeSnapshot(): void {
    this.#enterProbe();
    this.state = 'snapshot';
  }

  /** The peer has, or will have, everything up to `index`: probe from there. */
  leaveSnapshot(index: LogIndex): void {
    assert(this.state === 'snapshot', 'no snapshot was being sent');
    this.probeFrom(index + 1);
  }

  /** Guesses anew where the logs meet. */
  probeFrom(index: LogIndex): void {
    this.#nextIndex = Math.max(index, this.#matchIndex + 1);
    this.#enterProbe();
  }

  /** True when the peer has more than was known. */
  acknowledge(matchIndex: LogIndex): boolean {
    if (matchIndex <= this.#matchIndex) return false;
    this.#matchIndex = matchIndex;
    if (this.#nextIndex <= matchIndex) {
      this.#nextIndex = matchIndex + 1;
      this.wantedFrom = undefined;
    }
    this.inflight.freeUpTo(matchIndex);
    this.#check();
    return true;
  }

  /**
   * An append after `rejectedIndex` did not fit; `matchHint` is the best guess of where it would.
   * False when the answer is an old one.
   */
  reject(rejectedIndex: LogIndex, matchHint: LogIndex): boolean {
    if (rejectedIndex <= this.#matchIndex || this.state === 'snapshot') return false;
    if (this.state === 'replicate') {
      this.becomeProbe();
      return true;
    }
    if (rejectedIndex !== this.#nextIndex - 1) return false;
    this.#nextIndex = Math.max(Math.min(rejectedIndex, matchHint + 1), this.#matchIndex + 1);
    this.#enterProbe();
    return true;
  }

  /** A message left that carries this commit index. */
  tellsCommit(commitIndex: LogIndex): void {
    this.#sentCommit = commitIndex;
    this.#commitDueMs = Number.POSITIVE_INFINITY;
  }

  /** It is told of `commitIndex` by `dueMs`, unless it knows; a newer one does not put that off. */
  owesCommit(commitIndex: LogIndex, dueMs: number): void {
    // It can commit only what it has, and learns of the rest when it acknowledges.
    if (this.#sentCommit >= Math.min(commitIndex, this.#matchIndex)) return;
    this.#commitDueMs = Math.min(this.#commitDueMs, dueMs);
  }

  /** When it has to be told of the commit index by a message of its own; Infinity for never. */
  get commitDueMs(): number {
    return this.isPaused ? Number.POSITIVE_INFINITY : this.#commitDueMs;
  }

  /** An append left with entries up to `lastIndex`; nextIndex - 1 when it had none. */
  sent(lastIndex: LogIndex, bytes: number, atMs: number): void {
    assert(lastIndex >= this.#nextIndex - 1, 'appends leave in order');
    this.lastActivityMs = atMs;
    if (this.state === 'probe') {
      this.probeSent = true;
      return;
    }
    if (lastIndex < this.#nextIndex) return;
    this.inflight.add(lastIndex, bytes);
    this.#nextIndex = lastIndex + 1;
    this.#check();
  }

  #check(): void {
    assert(this.#matchIndex >= 0 && this.#matchIndex < this.#nextIndex, () => {
      return `peer ${this.nodeId}: match ${this.#matchIndex}, next ${this.#nextIndex}`;
    });
  }
}
