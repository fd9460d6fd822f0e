import type { Revision } from '@d-engine/base';
import { describeOperation } from './describe-operation.ts';
import type { Operation, Value } from './operation.ts';
import { mayHaveWritten, valuesLeft } from './unseen-writes.ts';

/** What a read saw of a key, and which write had made it, if it was told. */
interface Sighting {
  readonly operation: Operation;
  readonly value: Value;
  readonly modRevision: Revision | undefined;
  /** Of the state that it looked at. */
  readonly revision: Revision | undefined;
}

/** The writes of a key that may have taken effect. */
interface Writes {
  /** They took effect, at revisions that rise. */
  readonly told: readonly ToldWrite[];
  /** Of these nobody was told a revision. */
  readonly untold: readonly Operation[];
}

interface ToldWrite {
  readonly operation: Operation;
  readonly revision: Revision;
}

/**
 * A revision names one state of the store, so a read of whatever consistency, fresh or old, must
 * have seen what the writes up to its revision had left; and a write has one revision, which makes
 * one value of one key.
 */
export function checkSightings(operations: readonly Operation[]): string[] {
  const sightings = operations.flatMap(sightingOf);
  const writes = writesByKey(operations);
  return [
    ...sightings.flatMap((sighting) => againstState(sighting, writes.get(sighting.operation.key))),
    ...againstMaker(sightings, operations),
    ...madeTwice(sightings, writes),
  ];
}

function sightingOf(operation: Operation): Sighting[] {
  const { outcome } = operation;
  if (outcome.type !== 'answered' || outcome.answer.type !== 'read') return [];
  const { value, modRevision, revision } = outcome.answer;
  return [{ operation, value, modRevision, revision }];
}

function writesByKey(operations: readonly Operation[]): ReadonlyMap<string, Writes> {
  const byKey = new Map<string, { told: ToldWrite[]; untold: Operation[] }>();
  for (const operation of operations.filter(mayHaveWritten)) {
    const ofKey = byKey.get(operation.key) ?? { told: [], untold: [] };
    byKey.set(operation.key, ofKey);
    const revision = revisionOf(operation);
    if (revision === undefined) ofKey.untold.push(operation);
    else ofKey.told.push({ operation, revision });
  }
  for (const { told } of byKey.values()) told.sort((one, other) => one.revision - other.revision);
  return byKey;
}

function revisionOf({ outcome }: Operation): Revision | undefined {
  return outcome.type === 'answered' ? outcome.answer.revision : undefined;
}

/** Whether that state held this: what the last write had left, as far as anybody knows. */
function againstState(sighting: Sighting, writes: Writes | undefined): string[] {
  const { operation, value, modRevision, revision } = sighting;
  if (revision === undefined) return [];
  if (modRevision !== undefined && modRevision > revision) {
    return [`a state held what is newer than itself: ${lineOf(operation)}`];
  }
  const last = writes?.told.findLast((write) => write.revision <= revision);
  const left = last === undefined ? [null] : valuesLeft(last.operation);
  const isOfLast = modRevision === undefined || modRevision === last?.revision;
  if (left.includes(value) && isOfLast) return [];
  const isLater = modRevision === undefined || modRevision > (last?.revision ?? 0);
  if (isLater && mayHaveMade(writes?.untold ?? [], sighting).length > 0) return [];
  const instead = last === undefined ? 'nobody had written that' : lineOf(last.operation);
  return [`no state of revision ${revision} held that: ${lineOf(operation)}; ${instead}`];
}

/** Those that may have left what was seen, called before the read had ended. */
function mayHaveMade(untold: readonly Operation[], { operation, value }: Sighting): Operation[] {
  return untold.filter(
    (write) => write.invokedAtMs <= operation.settledAtMs && valuesLeft(write).includes(value),
  );
}

/** One revision made one value of one key: as its writer says, or else the first who saw it. */
function againstMaker(sightings: readonly Sighting[], operations: readonly Operation[]): string[] {
  const made = new Map<Revision, { readonly operation: Operation; readonly values: Value[] }>();
  for (const operation of operations) {
    const revision = revisionOf(operation);
    if (operation.command.type === 'read' || revision === undefined) continue;
    const values = mayHaveWritten(operation) ? [...valuesLeft(operation)] : [];
    made.set(revision, { operation, values });
  }
  return sightings.flatMap(({ operation, value, modRevision }) => {
    if (modRevision === undefined) return [];
    const maker = made.get(modRevision);
    if (maker === undefined) {
      made.set(modRevision, { operation, values: [value] });
      return [];
    }
    if (maker.operation.key === operation.key && maker.values.includes(value)) return [];
    const both = `${lineOf(maker.operation)}; ${lineOf(operation)}`;
    return [`revision ${modRevision} made two things: ${both}`];
  });
}

/** No more revisions of a value were seen than there were writes of it, called by then. */
function madeTwice(sightings: readonly Sighting[], writes: ReadonlyMap<string, Writes>): string[] {
  const revisionsOf = new Map<string, Set<Revision>>();
  const byAnswer = [...sightings].sort(
    (one, other) => one.operation.settledAtMs - other.operation.settledAtMs,
  );
  return byAnswer.flatMap((sighting) => {
    const { operation, value, modRevision } = sighting;
    const { told, untold } = writes.get(operation.key) ?? { told: [], untold: [] };
    if (modRevision === undefined || told.some((write) => write.revision === modRevision))
      return [];
    const name = JSON.stringify([operation.key, value]);
    const revisions = revisionsOf.get(name) ?? new Set();
    revisionsOf.set(name, revisions);
    if (revisions.has(modRevision)) return [];
    revisions.add(modRevision);
    const writers = mayHaveMade(untold, sighting).length;
    if (revisions.size <= writers) return [];
    const seen = [...revisions].join(', ');
    return [`${writers} writes for the revisions ${seen}: ${lineOf(operation)}`];
  });
}

function lineOf(operation: Operation): string {
  return `${operation.key} ${describeOperation(operation)}`;
}
