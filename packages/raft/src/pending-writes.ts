import type { LogIndex, Term, WriteId } from '@d-engine/base';
import { assert } from '@d-engine/base';

interface PendingWrite {
  readonly writeId: WriteId;
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  /** False once a truncation came after it: what it wrote may not be what the log says now. */
  stands: boolean;
}

/**
 * Which writes the disk still owes us, and what each one makes durable (design rule 1). Without the
 * claim by write, "durable up to 5" of an entry that was replaced since would count for the new
 * one.
 */
export class PendingWrites {
  // Invariant: writeId rises by one from each to the next; the last one is #nextId - 1.
  #pending: PendingWrite[] = [];
  #nextId: WriteId = 1;
  #durableId: WriteId = 0;

  /** The id that the next write will get. */
  get nextId(): WriteId {
    return this.#nextId;
  }

  /** This write and all before it are durable. */
  get durableId(): WriteId {
    return this.#durableId;
  }

  /** Numbers a write after which the log ends so. */
  begin(lastIndex: LogIndex, lastTerm: Term): WriteId {
    const writeId = this.#nextId;
    this.#pending.push({ writeId, lastIndex, lastTerm, stands: true });
    this.#nextId += 1;
    return writeId;
  }

  /** The log was truncated: no write begun so far says anything about indexes any more. */
  voidClaims(): void {
    for (const write of this.#pending) write.stands = false;
  }

  /** Returns the last index that is durable by this write; undefined when it adds none. */
  complete(writeId: WriteId, termAt: (index: LogIndex) => Term | undefined): LogIndex | undefined {
    assert(writeId < this.#nextId, () => `write ${writeId} was never begun`);
    let durable: LogIndex | undefined;
    let done = 0;
    for (const write of this.#pending) {
      if (write.writeId > writeId) break;
      done += 1;
      if (write.stands && termAt(write.lastIndex) === write.lastTerm) durable = write.lastIndex;
    }
    this.#pending.splice(0, done);
    if (writeId > this.#durableId) this.#durableId = writeId;
    return durable;
  }
}
