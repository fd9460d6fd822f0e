import type { NodeId, Term, WriteId } from '@d-engine/base';
import type { EntriesWanted, Notice, ReadOutcome, SnapshotWanted } from './effects.ts';
import type { Outgoing, RaftMessage } from './messages.ts';

interface Held {
  readonly writeId: WriteId;
  readonly term: Term;
  readonly outgoing: Outgoing;
}

/** What one batch of inputs led to so far, and the messages that wait for the disk. */
export class Outbox {
  #messages: Outgoing[] = [];
  #reads: ReadOutcome[] = [];
  #entriesWanted: EntriesWanted[] = [];
  #snapshotsWanted: SnapshotWanted[] = [];
  #notices: Notice[] = [];
  // Invariant: writeId never falls from one to the next. Bounded: all of one write are answers to
  // single requests, and another term drops them.
  #held: Held[] = [];

  get isEmpty(): boolean {
    return (
      this.#messages.length === 0 &&
      this.#reads.length === 0 &&
      this.#entriesWanted.length === 0 &&
      this.#snapshotsWanted.length === 0 &&
      this.#notices.length === 0
    );
  }

  send(to: NodeId, message: RaftMessage): void {
    this.#messages.push({ to, message });
  }

  /** Keeps the message until `writeId` is durable; dropped when the term is another one by then. */
  hold(writeId: WriteId, term: Term, to: NodeId, message: RaftMessage): void {
    this.#held.push({ writeId, term, outgoing: { to, message } });
  }

  release(durableId: WriteId, term: Term): void {
    let released = 0;
    for (const held of this.#held) {
      if (held.writeId > durableId) break;
      released += 1;
      if (held.term === term) this.#messages.push(held.outgoing);
    }
    if (released > 0) this.#held.splice(0, released);
  }

  /** The term moved on: nothing that waits says anything true any more. */
  dropHeld(): void {
    this.#held = [];
  }

  readReady(readId: number, index: number): void {
    this.#reads.push({ type: 'ready', readId, index });
  }

  readRefused(readId: number): void {
    this.#reads.push({ type: 'refused', readId });
  }

  want(wanted: EntriesWanted): void {
    this.#entriesWanted.push(wanted);
  }

  wantSnapshot(wanted: SnapshotWanted): void {
    this.#snapshotsWanted.push(wanted);
  }

  notice(notice: Notice): void {
    this.#notices.push(notice);
  }

  take(): {
    messages: readonly Outgoing[];
    reads: readonly ReadOutcome[];
    entriesWanted: readonly EntriesWanted[];
    snapshotsWanted: readonly SnapshotWanted[];
    notices: readonly Notice[];
  } {
    const taken = {
      messages: this.#messages,
      reads: this.#reads,
      entriesWanted: this.#entriesWanted,
      snapshotsWanted: this.#snapshotsWanted,
      notices: this.#notices,
    };
    this.#messages = [];
    this.#reads = [];
    this.#entriesWanted = [];
    this.#snapshotsWanted = [];
    this.#notices = [];
    return taken;
  }
}
