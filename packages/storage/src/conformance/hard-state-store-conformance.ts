import type { HardState } from '@d-engine/raft';
import type { HardStateStore } from '../contracts.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { casesOf, mustEqual } from './conformance-case.ts';

export interface OpenedHardStateStore {
  readonly store: HardStateStore;
  /** Undefined: nothing was ever written. */
  readonly recovered: HardState | undefined;
}

/** An empty place for hard state: each `open` after the first finds what is there. */
export interface HardStatePlace {
  readonly open: () => Promise<OpenedHardStateStore>;
}

/** What every store of term and vote must do, as cases for any test runner. */
export function hardStateStoreConformance(
  create: () => HardStatePlace | Promise<HardStatePlace>,
): ConformanceCase[] {
  return casesOf(create, [
    ['has nothing at first, and again after a restart', isEmpty],
    ['keeps term, vote and stickiness', keepsAll],
    ['keeps a term without a vote', keepsNoVote],
    ['keeps a first vote in a term that it has', keepsFirstVote],
    ['forgets the vote of an older term', forgetsOldVote],
    ['keeps a larger stickiness', keepsStickiness],
    ['keeps large terms exactly', keepsLargeTerms],
    ['ends with the last of many that wait, in the order of the calls', keepsOrder],
    ['finishes what was asked for before it closes', closesInOrder],
    ['goes on after each of many restarts', survivesRestarts],
  ]);
}

const candidate = { nodeId: 3, instanceId: '00112233445566778899aabbccddeeff' };

function stateOf(term: number, parts: Partial<HardState> = {}): HardState {
  return { term, votedFor: null, stickinessMs: 0, ...parts };
}

async function mustFind(place: HardStatePlace, expected: HardState | undefined): Promise<void> {
  const { store, recovered } = await place.open();
  mustEqual(recovered, expected, 'the state after a restart');
  await store.close();
}

/** Writes these one after another; the last one must be there after a restart. */
async function writeAll(place: HardStatePlace, states: readonly HardState[]): Promise<void> {
  const { store } = await place.open();
  for (const state of states) await store.write(state);
  await store.close();
  await mustFind(place, states.at(-1));
}

async function isEmpty(place: HardStatePlace): Promise<void> {
  await mustFind(place, undefined);
  await mustFind(place, undefined);
}

function keepsAll(place: HardStatePlace): Promise<void> {
  return writeAll(place, [stateOf(4, { votedFor: candidate, stickinessMs: 1500 })]);
}

function keepsNoVote(place: HardStatePlace): Promise<void> {
  return writeAll(place, [stateOf(1)]);
}

function keepsFirstVote(place: HardStatePlace): Promise<void> {
  return writeAll(place, [stateOf(2), stateOf(2, { votedFor: candidate })]);
}

function forgetsOldVote(place: HardStatePlace): Promise<void> {
  return writeAll(place, [stateOf(2, { votedFor: candidate }), stateOf(3)]);
}

function keepsStickiness(place: HardStatePlace): Promise<void> {
  const votedFor = candidate;
  return writeAll(place, [
    stateOf(2, { votedFor, stickinessMs: 500 }),
    stateOf(2, { votedFor, stickinessMs: 900 }),
    stateOf(5, { stickinessMs: 900 }),
  ]);
}

function keepsLargeTerms(place: HardStatePlace): Promise<void> {
  const largest = Number.MAX_SAFE_INTEGER;
  return writeAll(place, [stateOf(2 ** 33 + 1), stateOf(largest, { votedFor: candidate })]);
}

async function keepsOrder(place: HardStatePlace): Promise<void> {
  const { store } = await place.open();
  const finished: number[] = [];
  const terms = Array.from({ length: 40 }, (_, position) => position + 1);
  await Promise.all(
    terms.map(async (term) => {
      await store.write(stateOf(term, term % 2 === 0 ? { votedFor: candidate } : {}));
      finished.push(term);
    }),
  );
  mustEqual(finished, terms, 'the order in which writes are durable');
  await store.close();
  await mustFind(place, stateOf(40, { votedFor: candidate }));
}

async function closesInOrder(place: HardStatePlace): Promise<void> {
  const { store } = await place.open();
  const writes = [1, 2, 3].map((term) => store.write(stateOf(term, { votedFor: candidate })));
  await store.close();
  await Promise.all(writes);
  await mustFind(place, stateOf(3, { votedFor: candidate }));
}

async function survivesRestarts(place: HardStatePlace): Promise<void> {
  for (let term = 1; term <= 12; term++) {
    await writeAll(place, [stateOf(term), stateOf(term, { votedFor: candidate })]);
  }
}
