import type { Revision } from '@d-engine/base';
import { isEventual } from './check-history.ts';
import { describeOperation } from './describe-operation.ts';
import type { Operation } from './operation.ts';
import type { Observation } from './real-time-order.ts';
import { fallsOf, withNewestBefore } from './real-time-order.ts';
import { checkSightings } from './sightings.ts';

interface Told extends Observation {
  /** It made this revision; else it saw a state of at least this one. */
  readonly isWrite: boolean;
}

/**
 * Revisions over all keys: none is given out twice, and they follow real time. Whoever is called
 * after another was answered is told no smaller revision, and a write a larger one. What is read
 * fits them.
 */
export function checkRevisions(operations: readonly Operation[]): string[] {
  const fresh = operations.filter((operation) => !isEventual(operation));
  const told = fresh.flatMap(revisionTold);
  return [
    ...givenTwice(told),
    ...againstTime(told),
    ...fallsOf('modRevision', fresh, ({ key }) => key),
    ...checkSightings(operations),
  ];
}

function revisionTold(operation: Operation): Told[] {
  const { outcome } = operation;
  if (outcome.type !== 'answered' || outcome.answer.revision === undefined) return [];
  const { answer } = outcome;
  // A command that changed nothing is an entry all the same, with a revision of its own.
  const isWrite = answer.type !== 'read';
  return [{ operation, revision: outcome.answer.revision, isWrite }];
}

function givenTwice(told: readonly Told[]): string[] {
  const owners = new Map<Revision, Operation>();
  const problems: string[] = [];
  for (const { operation, revision, isWrite } of told) {
    if (!isWrite) continue;
    const owner = owners.get(revision);
    if (owner === undefined) owners.set(revision, operation);
    else problems.push(`revision ${revision} was given out twice: ${both(owner, operation)}`);
  }
  return problems;
}

function againstTime(told: readonly Told[]): string[] {
  const problems: string[] = [];
  for (const { called, newest } of withNewestBefore(told)) {
    if (called.revision >= newest.revision + (called.isWrite ? 1 : 0)) continue;
    problems.push(`revisions run against real time: ${both(newest.operation, called.operation)}`);
  }
  return problems;
}

function both(one: Operation, other: Operation): string {
  return `${one.key} ${describeOperation(one)}; ${other.key} ${describeOperation(other)}`;
}
