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
for (let turn = 0; ; turn++) {
  machine.apply(entriesFrom(machine.appliedIndex + 1, 20));
  const logIndex = machine.appliedIndex - (turn % 7);
  say(`log ${logIndex}`);
  machine.logDurable(logIndex);
  await new Promise((resolve) => setImmediate(resolve));
}
