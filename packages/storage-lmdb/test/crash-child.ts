import { writeSync } from 'node:fs';
import { openLmdbStateMachine } from '../src/index.ts';
import { contextAt, entriesFrom } from './crash-entries.ts';

// Applies for ever, and says what it asks for before it asks, and what it was told at once.
const [directory = ''] = process.argv.slice(2);
const say = (line: string): void => {
  writeSync(1, `${line}\n`);
};
const machine = await openLmdbStateMachine(
  contextAt(directory, () => say(`durable ${machine.durableIndex}`)),
);
for (;;) {
  machine.apply(entriesFrom(machine.appliedIndex + 1, 20));
  // The log stands still for a while, then it holds all of that at once.
  const logIndex = machine.appliedIndex - (machine.appliedIndex % 3_000);
  say(`log ${logIndex}`);
  machine.logDurable(logIndex);
  await new Promise((resolve) => setImmediate(resolve));
}
