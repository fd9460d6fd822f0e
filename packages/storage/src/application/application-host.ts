import type { Entry, HistoryId, KeyValue, LogIndex, Revision, Term } from '@d-engine/base';
import {
  assert,
  decodeWriteCommand,
  entryKinds,
  entryPayload,
  limits,
  MalformedMessage,
} from '@d-engine/base';
import type { CommandResult } from '../command-result.ts';
import type {
  AppliedBatch,
  EntryObserver,
  OpenStateMachine,
  StateMachine,
  StateView,
} from '../contracts.ts';
import { revisionsPerHistory } from '../key-value-state-machine.ts';
import type { ScanPage } from '../scan-page.ts';
import type {
  DataSection,
  SnapshotHeader,
  SnapshotSections,
  StateSection,
} from '../snapshot-format.ts';
import { snapshotSectionKinds } from '../snapshot-format.ts';
import { StateHash } from '../state-hash.ts';
import { StorageDamage } from '../storage-errors.ts';
import { answerOf, requestOf } from './application-messages.ts';
import type { ApplicationFactory, ApplicationStateMachine } from './application-state-machine.ts';

export interface ApplicationHostOptions {
  readonly create: ApplicationFactory;
  /** Which history begins with a bootstrap or new-history entry. */
  readonly readHistoryId: (entry: Entry) => HistoryId;
  /** Called after each entry. */
  readonly onEntryApplied?: EntryObserver | undefined;
}

/** The state machine of members whose state is a host's. */
export function openApplication(create: ApplicationFactory): OpenStateMachine {
  return ({ readHistoryId, onEntryApplied }) => {
    return Promise.resolve(new ApplicationHost({ create, readHistoryId, onEntryApplied }));
  };
}

const noChain = '';

/**
 * A state machine of a host, as the engine knows state machines. Index, time, history and hash are
 * kept here; the state is the host's.
 *
 * The hash follows the results: members whose states differ are found once a result differs.
 */
export class ApplicationHost implements StateMachine {
  readonly expiringKeyCount = 0;
  readonly leaseCount = 0;
  readonly sessionCount = 0;
  readonly nextExpiryMs: undefined = undefined;
  /** How much memory a host's state takes is the host's affair. */
  readonly stateBytes = 0;
  readonly keyCount = 0;
  /** A start makes it again from a snapshot and the log. */
  readonly durableIndex = 0;
  readonly pendingBytes = 0;
  readonly spaceProblem: undefined = undefined;
  readonly #options: ApplicationHostOptions;
  #machine: ApplicationStateMachine;
  #appliedIndex: LogIndex = 0;
  #appliedTerm: Term = 0;
  /** Invariant: only grows. */
  #revisionBase: Revision = 0;
  #historyId: HistoryId | null = null;
  /** Invariant: never decreases (design rule 7). */
  #clusterTimeMs = 0;
  /** A hash of every command and its result, each over the one before. */
  #chain = noChain;

  constructor(options: ApplicationHostOptions) {
    this.#options = options;
    this.#machine = options.create();
  }

  get appliedIndex(): LogIndex {
    return this.#appliedIndex;
  }

  get appliedTerm(): Term {
    return this.#appliedTerm;
  }

  get revisionBase(): Revision {
    return this.#revisionBase;
  }

  get revision(): Revision {
    return this.#appliedIndex + this.#revisionBase;
  }

  get historyId(): HistoryId | null {
    return this.#historyId;
  }

  get clusterTimeMs(): number {
    return this.#clusterTimeMs;
  }

  apply(entries: readonly Entry[]): AppliedBatch {
    const results = entries.map((entry) => {
      const result = this.#applyEntry(entry);
      this.#options.onEntryApplied?.(this);
      return result;
    });
    return { results, events: [] };
  }

  get(keys: readonly Uint8Array[]): (KeyValue | null)[] {
    const { revision } = this;
    return keys.map((key) => {
      const request = requestOf(key);
      if (request === undefined) return null;
      const value = answerOf(() => this.#machine.query(request));
      return { key, value, createRevision: revision, modRevision: revision, version: 1 };
    });
  }

  scan(): ScanPage {
    return { entries: [], hasMore: false };
  }

  lease(): null {
    return null;
  }

  stateHash(): string {
    const numbers = [this.#appliedIndex, this.#revisionBase, this.#clusterTimeMs];
    return new StateHash().digest(numbers, `${this.#historyId ?? ''} ${this.#chain}`);
  }

  view(): StateView {
    const pieces = begun(this.#machine.snapshot());
    const history: StateSection = {
      kind: snapshotSectionKinds.history,
      historyId: this.#historyId,
      revisionBase: this.#revisionBase,
      stateHash: this.stateHash(),
    };
    const clusterTime: StateSection = {
      kind: snapshotSectionKinds.clusterTime,
      clusterTimeMs: this.#clusterTimeMs,
    };
    const chain = new TextEncoder().encode(this.#chain);
    return {
      appliedIndex: this.#appliedIndex,
      sections: () => sectionsOf([history, clusterTime, dataOf(chain)], pieces),
      release: () => undefined,
    };
  }

  logDurable(): void {
    // Nothing of it is found after a start.
  }

  /** A start has nothing to give up: it begins with an empty one. */
  clear(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async load(header: SnapshotHeader, sections: SnapshotSections): Promise<void> {
    assert(
      header.index >= this.#appliedIndex,
      () => `loading a snapshot at ${header.index} over a state at ${this.#appliedIndex}`,
    );
    const loaded = new ApplicationHost(this.#options);
    loaded.#appliedIndex = header.index;
    loaded.#appliedTerm = header.term;
    const stateHash = await loaded.#read(sections);
    if (loaded.stateHash() !== stateHash) {
      const reason = 'its state has another hash';
      throw new StorageDamage({ file: `snapshot ${header.index}`, offset: 0, reason });
    }
    this.#machine = loaded.#machine;
    this.#appliedIndex = loaded.#appliedIndex;
    this.#appliedTerm = loaded.#appliedTerm;
    this.#historyId = loaded.#historyId;
    this.#revisionBase = loaded.#revisionBase;
    this.#clusterTimeMs = loaded.#clusterTimeMs;
    this.#chain = loaded.#chain;
  }

  /** Fills an empty one; returns the hash that the snapshot names. */
  async #read(sections: SnapshotSections): Promise<string> {
    let stateHash = '';
    const iterator = iterate(sections);
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      const section = next.value;
      if (section.kind === snapshotSectionKinds.history) {
        this.#historyId = section.historyId;
        this.#revisionBase = section.revisionBase;
        stateHash = section.stateHash;
      } else if (section.kind === snapshotSectionKinds.clusterTime) {
        this.#clusterTimeMs = section.clusterTimeMs;
      } else if (section.kind === snapshotSectionKinds.data) {
        // The first of them is the chain; what follows is the host's.
        this.#chain = new TextDecoder().decode(section.run);
        await this.#machine.restore(bytesOf(iterator));
      }
    }
    return stateHash;
  }

  #applyEntry(entry: Entry): CommandResult | undefined {
    assert(
      entry.index === this.#appliedIndex + 1,
      () => `applying entry ${entry.index} after ${this.#appliedIndex}`,
    );
    assert(
      entry.clusterTimeMs >= this.#clusterTimeMs,
      () => `cluster time goes back to ${entry.clusterTimeMs} at entry ${entry.index}`,
    );
    this.#appliedTerm = entry.term;
    this.#appliedIndex = entry.index;
    this.#clusterTimeMs = entry.clusterTimeMs;
    if (entry.kind === entryKinds.command) return this.#applyCommand(entry);
    if (entry.kind === entryKinds.newHistory) this.#revisionBase += revisionsPerHistory;
    if (entry.kind === entryKinds.bootstrap || entry.kind === entryKinds.newHistory) {
      this.#historyId = this.#options.readHistoryId(entry);
    }
    return undefined;
  }

  #applyCommand(entry: Entry): CommandResult {
    const { revision } = this;
    const command = commandOf(entry);
    if (command === undefined) {
      const message = 'this cluster runs a state machine of its host, which has no keys';
      return { type: 'refused', revision, error: 'InvalidRequest', message };
    }
    const at = { revision, clusterTimeMs: entry.clusterTimeMs };
    // The machine may keep what it answers, and callers may change what they get.
    const result = Uint8Array.from(this.#machine.apply(command, at));
    this.#chain = chained(this.#chain, entry.index, command, result);
    return { type: 'compareAndSwap', revision, succeeded: false, current: result };
  }
}

/** A session's answers are the key-value store's business: what rides on one is refused. */
function commandOf(entry: Entry): Uint8Array | undefined {
  if (entry.session !== undefined) return undefined;
  try {
    const command = decodeWriteCommand(entryPayload(entry));
    if (command.type !== 'compareAndSwap' || command.key.length > 0) return undefined;
    // The state may keep it, and the entry's buffer goes away.
    return command.value === null ? undefined : Uint8Array.from(command.value);
  } catch (error) {
    if (error instanceof MalformedMessage) return undefined;
    throw error;
  }
}

function chained(chain: string, index: LogIndex, command: Uint8Array, result: Uint8Array): string {
  const hash = new StateHash();
  hash.addNumbers('command', [index], command);
  hash.addNumbers('result', [index], result);
  return hash.digest([index], chain);
}

function dataOf(run: Uint8Array): DataSection {
  return { kind: snapshotSectionKinds.data, keyCount: 0, run };
}

function* sectionsOf(
  first: readonly StateSection[],
  pieces: Iterable<Uint8Array>,
): Iterable<StateSection> {
  yield* first;
  for (const piece of pieces) {
    for (let from = 0; from < piece.length; from += limits.snapshotRunBytes) {
      yield dataOf(piece.subarray(from, from + limits.snapshotRunBytes));
    }
  }
}

/**
 * With the first piece made already: a generator runs to its first piece while the state is still
 * that of the snapshot, and most have no other.
 */
function begun(pieces: Iterable<Uint8Array>): Iterable<Uint8Array> {
  const iterator = pieces[Symbol.iterator]();
  let first: IteratorResult<Uint8Array> | undefined = iterator.next();
  return {
    [Symbol.iterator]: () => ({
      next() {
        const result = first ?? iterator.next();
        first = undefined;
        return result;
      },
    }),
  };
}

type Section = SnapshotSections extends Iterable<infer Kind> | AsyncIterable<infer Kind>
  ? Kind
  : never;

async function* iterate(sections: SnapshotSections): AsyncGenerator<Section, void, undefined> {
  yield* sections;
}

/** What follows of the host's bytes, to the last section. */
async function* bytesOf(
  sections: AsyncIterator<Section, void, undefined>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let next = await sections.next(); next.done !== true; next = await sections.next()) {
    if (next.value.kind === snapshotSectionKinds.data) yield next.value.run;
  }
}
