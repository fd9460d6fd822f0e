import type { Revision, SessionId, SessionStamp } from '@d-engine/base';
import { assert, limits } from '@d-engine/base';
import type { CommandResult, RefusalName } from '../command-result.ts';
import type { StateHash } from '../state-hash.ts';
import { digestOf } from '../state-hash.ts';
import { ExpiryQueue } from './expiry-queue.ts';
import { decodeResult, encodeResult } from './stored-result.ts';
import type { TableChanges } from './table-changes.ts';

/** What a snapshot says of a session; its results follow it. */
export interface SessionRecord {
  readonly id: SessionId;
  /** Empty: none. */
  readonly name: string;
  readonly ttlMs: number;
  /** In cluster time. */
  readonly expiresAtMs: number;
  /** No result below this sequence is kept, and no command below it applied any more. */
  readonly lowestUnacknowledged: number;
}

export interface StoredResult {
  readonly sequence: number;
  /** Tell whether another command comes under the same sequence. */
  readonly digestLow: number;
  readonly digestHigh: number;
  readonly result: Uint8Array;
}

interface Session extends SessionRecord {
  readonly results: Map<number, StoredResult>;
  resultBytes: number;
}

/** A session with its results as they were at one moment. */
export interface FrozenSession extends SessionRecord {
  readonly results: readonly StoredResult[];
}

/** What a session costs in memory, besides its results. Measured. */
export const sessionOverheadBytes = 640;
/** What a stored result costs besides its bytes. Measured. */
export const resultOverheadBytes = 224;

const sessionTag = 'session';
const resultTag = 'result';

/** What became of a stamped command before it was looked at. */
export type Admission =
  | { readonly type: 'apply' }
  | { readonly type: 'answered'; readonly result: CommandResult };

/**
 * The sessions of clients and the results that they may ask for again (design rule 8). Part of the
 * replicated state: every change is in the state's hash, and eviction happens inside apply alone.
 */
export class SessionTable {
  readonly #hash: StateHash;
  readonly #changes: TableChanges | undefined;
  readonly #sessions = new Map<SessionId, Session>();
  readonly #byName = new Map<string, SessionId>();
  readonly #expiry = new ExpiryQueue<SessionId>();
  #bytes = 0;
  #resultCount = 0;

  /** `changes`: who is told of each record that changes. */
  constructor(hash: StateHash, changes?: TableChanges) {
    this.#hash = hash;
    this.#changes = changes;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get resultCount(): number {
    return this.#resultCount;
  }

  /** What the sessions and their results hold in memory, about. */
  get bytes(): number {
    return this.#bytes;
  }

  get nextDueMs(): number | undefined {
    return this.#expiry.nextDueMs;
  }

  idOf(name: string): SessionId | undefined {
    return this.#byName.get(name);
  }

  find(id: SessionId): SessionRecord | undefined {
    return this.#sessions.get(id);
  }

  ttlMsOf(id: SessionId): number {
    return this.#session(id).ttlMs;
  }

  resultOf(id: SessionId, sequence: number): StoredResult | undefined {
    return this.#sessions.get(id)?.results.get(sequence);
  }

  add(record: SessionRecord): void {
    const { id, name } = record;
    this.#changes?.sessions.add(id);
    assert(!this.#sessions.has(id), () => `session ${id} is there already`);
    this.#sessions.set(id, { ...record, results: new Map(), resultBytes: 0 });
    if (name !== '') this.#byName.set(name, id);
    this.#bytes += sessionOverheadBytes + name.length;
    this.#hash.addNumbers(sessionTag, numbersOf(record), nameBytes(name));
    this.#expiry.set(id, record.expiresAtMs);
  }

  renew(id: SessionId, nowMs: number): void {
    const session = this.#session(id);
    this.#update(session, nowMs, session.lowestUnacknowledged);
  }

  remove(id: SessionId): void {
    const session = this.#session(id);
    for (const stored of session.results.values()) this.#forget(session, stored);
    this.#changes?.sessions.add(id);
    this.#sessions.delete(id);
    if (session.name !== '') this.#byName.delete(session.name);
    this.#bytes -= sessionOverheadBytes + session.name.length;
    this.#hash.removeNumbers(sessionTag, numbersOf(session), nameBytes(session.name));
    this.#expiry.delete(id);
  }

  /** Removes the first that is due at `nowMs`; false when none is. */
  removeDue(nowMs: number): boolean {
    const id = this.#expiry.takeDue(nowMs);
    if (id === undefined) return false;
    this.remove(id);
    return true;
  }

  /**
   * Whether the command is to be applied, for the first time; `finish` must follow then. Keeps the
   * session alive and evicts what its client has acknowledged.
   */
  admit(stamp: SessionStamp, command: Uint8Array, nowMs: number, revision: Revision): Admission {
    const { session: id, sequence, lowestUnacknowledged } = stamp;
    const session = this.#sessions.get(id);
    if (session === undefined) return refuse(revision, 'SessionExpired', expiredMessage(id));
    if (sequence < 1 || lowestUnacknowledged < 1 || sequence < lowestUnacknowledged) {
      const text = `sequence ${sequence} with lowest unacknowledged ${lowestUnacknowledged}`;
      return refuse(revision, 'InvalidRequest', `${text} is no place in a session`);
    }
    const current = this.#acknowledge(session, nowMs, lowestUnacknowledged);
    if (sequence < current.lowestUnacknowledged) {
      const text =
        `sequence ${sequence} of session ${id} was acknowledged before: its result is forgotten, ` +
        'and it may have been applied';
      return refuse(revision, 'SessionExpired', text);
    }
    const stored = current.results.get(sequence);
    if (stored !== undefined) return answerAgain(stored, command, revision);
    const isFull =
      current.results.size >= limits.sessionResultsMax ||
      current.resultBytes >= limits.sessionResultBytesMax;
    if (!isFull) return { type: 'apply' };
    const text = `session ${id} keeps too many results: acknowledge some, then retry`;
    return refuse(revision, 'RateLimited', text);
  }

  /** Keeps the result of a command that was admitted. */
  finish({ session: id, sequence }: SessionStamp, command: Uint8Array, did: CommandResult): void {
    const [digestLow, digestHigh] = digestOf(command);
    this.restore(id, { sequence, digestLow, digestHigh, result: encodeResult(did) });
  }

  /** Puts a result in its place; `finish` and the loading of snapshots do. */
  restore(id: SessionId, stored: StoredResult): void {
    const session = this.#session(id);
    assert(!session.results.has(stored.sequence), 'a sequence has one result');
    this.#changes?.addResult(id, stored.sequence);
    session.results.set(stored.sequence, stored);
    session.resultBytes += stored.result.length;
    this.#resultCount += 1;
    this.#bytes += stored.result.length + resultOverheadBytes;
    const { sequence, digestLow, digestHigh, result } = stored;
    this.#hash.addNumbers(resultTag, [id, sequence, digestLow, digestHigh], result);
  }

  /** As they are now: what happens later does not show in it. */
  freeze(): readonly FrozenSession[] {
    return [...this.#sessions.values()].map((session) => {
      const { id, name, ttlMs, expiresAtMs, lowestUnacknowledged } = session;
      const results = [...session.results.values()];
      return { id, name, ttlMs, expiresAtMs, lowestUnacknowledged, results };
    });
  }

  #acknowledge(session: Session, nowMs: number, lowestUnacknowledged: number): Session {
    const { results, lowestUnacknowledged: before } = session;
    const lowest = Math.max(before, lowestUnacknowledged);
    if (lowest - before <= results.size) {
      for (let sequence = before; sequence < lowest; sequence++) {
        const stored = results.get(sequence);
        if (stored !== undefined) this.#forget(session, stored);
      }
    } else {
      for (const stored of results.values()) {
        if (stored.sequence < lowest) this.#forget(session, stored);
      }
    }
    return this.#update(session, nowMs, lowest);
  }

  #update(session: Session, nowMs: number, lowestUnacknowledged: number): Session {
    const expiresAtMs = nowMs + session.ttlMs;
    assert(expiresAtMs >= session.expiresAtMs, () => `session ${session.id} gets shorter`);
    const next = { ...session, expiresAtMs, lowestUnacknowledged };
    const name = nameBytes(session.name);
    this.#hash.removeNumbers(sessionTag, numbersOf(session), name);
    this.#hash.addNumbers(sessionTag, numbersOf(next), name);
    this.#sessions.set(session.id, next);
    this.#changes?.sessions.add(session.id);
    this.#expiry.set(session.id, expiresAtMs);
    return next;
  }

  #forget(session: Session, stored: StoredResult): void {
    const { sequence, digestLow, digestHigh, result } = stored;
    session.results.delete(sequence);
    this.#changes?.addResult(session.id, sequence);
    session.resultBytes -= result.length;
    this.#resultCount -= 1;
    this.#bytes -= result.length + resultOverheadBytes;
    this.#hash.removeNumbers(resultTag, [session.id, sequence, digestLow, digestHigh], result);
  }

  #session(id: SessionId): Session {
    const session = this.#sessions.get(id);
    assert(session !== undefined, () => `there is no session ${id}`);
    return session;
  }
}

export function expiredMessage(id: SessionId): string {
  return (
    `session ${id} is over, or never was; whether its write was applied is unknown: read before ` +
    'writing again, and open a new session'
  );
}

function answerAgain(stored: StoredResult, command: Uint8Array, revision: Revision): Admission {
  const [low, high] = digestOf(command);
  if (low === stored.digestLow && high === stored.digestHigh) {
    return { type: 'answered', result: decodeResult(stored.result) };
  }
  const text = `sequence ${stored.sequence} was used for another command; nothing was applied`;
  return refuse(revision, 'InvalidRequest', text);
}

function refuse(revision: Revision, error: RefusalName, message: string): Admission {
  return { type: 'answered', result: { type: 'refused', revision, error, message } };
}

function numbersOf(record: SessionRecord): number[] {
  return [record.id, record.ttlMs, record.expiresAtMs, record.lowestUnacknowledged];
}

function nameBytes(name: string): Uint8Array {
  return Buffer.from(name, 'utf8');
}
