import { encodeEntries, encodeWriteCommand, entryKinds } from '@d-engine/base';
import { ApplicationHost } from '../application/application-host.ts';
import type { ApplicationFactory } from '../application/application-state-machine.ts';
import type { StateView } from '../contracts.ts';
import type { SnapshotHeader, SnapshotSection } from '../snapshot-format.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { casesOf, mustEqual } from './conformance-case.ts';

/** What a suite tries a machine with. */
export interface ApplicationExamples {
  /** At least three that change the state, and some that cannot be carried out. */
  readonly commands: readonly Uint8Array[];
  /** Together they tell one state from another. */
  readonly queries: readonly Uint8Array[];
}

/** What the state machine of a host must do so that members agree, as cases for any test runner. */
export function applicationConformance(
  create: ApplicationFactory,
  examples: ApplicationExamples,
): ConformanceCase[] {
  return casesOf(
    () => new Trial(create, examples),
    [
      ['gives the same results and the same state, however commands are batched', agrees],
      ['changes nothing when it is asked', onlyReads],
      ['becomes in another machine what its snapshot says, and goes on from there', moves],
      ['shows in a snapshot the state of its moment, whatever follows', freezes],
    ],
  );
}

/** Machines of one kind, and how to try them. */
class Trial {
  readonly #create: ApplicationFactory;
  readonly #examples: ApplicationExamples;

  constructor(create: ApplicationFactory, examples: ApplicationExamples) {
    this.#create = create;
    this.#examples = examples;
  }

  get half(): number {
    return Math.ceil(this.#examples.commands.length / 2);
  }

  machine(): ApplicationHost {
    return new ApplicationHost({ create: this.#create, readHistoryId: () => 'trial' });
  }

  /** Applies examples from one to before another in batches; returns the results. */
  apply(machine: ApplicationHost, from: number, to?: number, batch = 1): unknown[] {
    const commands = this.#examples.commands.slice(from, to);
    const results: unknown[] = [];
    for (let at = 0; at < commands.length; at += batch) {
      results.push(...applyAll(machine, commands.slice(at, at + batch)));
    }
    return results;
  }

  /** The answers to all queries. */
  state(machine: ApplicationHost): (Uint8Array | undefined)[] {
    const keys = this.#examples.queries.map((query) => Uint8Array.of(1, ...query));
    return machine.get(keys).map((found) => found?.value);
  }
}

function applyAll(machine: ApplicationHost, commands: readonly Uint8Array[]): readonly unknown[] {
  const proposals = commands.map((value) => {
    const key = new Uint8Array(0);
    const command = { type: 'compareAndSwap', key, expected: null, value, ttlMs: 0 } as const;
    return { kind: entryKinds.command, payload: encodeWriteCommand(command) };
  });
  return machine.apply(encodeEntries(proposals, machine.appliedIndex + 1, 1, 1_000)).results;
}

async function load(machine: ApplicationHost, view: StateView): Promise<void> {
  const header: SnapshotHeader = {
    clusterId: '0'.repeat(32),
    formedAtWallMs: 0,
    index: view.appliedIndex,
    term: 1,
  };
  await machine.load(header, sectionsOf(view));
  view.release();
}

/** With time between them, and in bytes of their own, as a file gives them. */
async function* sectionsOf(view: StateView): AsyncGenerator<SnapshotSection, void, undefined> {
  for await (const section of view.sections()) {
    yield 'run' in section ? { ...section, run: Uint8Array.from(section.run) } : section;
  }
}

function agrees(trial: Trial): void {
  const [one, other] = [trial.machine(), trial.machine()];
  const results = trial.apply(one, 0);
  mustEqual(trial.apply(other, 0, undefined, 100), results, 'the results of one batch');
  mustEqual(trial.state(other), trial.state(one), 'the state after one batch');
  mustEqual(other.stateHash(), one.stateHash(), 'the hash after one batch');
}

function onlyReads(trial: Trial): void {
  const [asked, other] = [trial.machine(), trial.machine()];
  trial.apply(asked, 0, trial.half);
  trial.apply(other, 0, trial.half);
  const first = trial.state(asked);
  mustEqual(trial.state(asked), first, 'the second answer');
  const results = trial.apply(asked, trial.half);
  mustEqual(results, trial.apply(other, trial.half), 'the results after questions');
}

async function moves(trial: Trial): Promise<void> {
  const [one, other] = [trial.machine(), trial.machine()];
  trial.apply(one, 0, trial.half);
  await load(other, one.view());
  mustEqual(trial.state(other), trial.state(one), 'the state that was loaded');
  mustEqual(trial.apply(other, trial.half), trial.apply(one, trial.half), 'later results');
  mustEqual(trial.state(other), trial.state(one), 'the state after later commands');
  mustEqual(other.stateHash(), one.stateHash(), 'the hash after later commands');
}

async function freezes(trial: Trial): Promise<void> {
  const [one, other, loaded] = [trial.machine(), trial.machine(), trial.machine()];
  trial.apply(one, 0, trial.half);
  trial.apply(other, 0, trial.half);
  const view = one.view();
  trial.apply(one, trial.half);
  await load(loaded, view);
  mustEqual(trial.state(loaded), trial.state(other), 'the state in a snapshot');
}
