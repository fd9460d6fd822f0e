import { readFileSync } from 'node:fs';
import { describeError } from '@d-engine/base';
import { checkLinearizability, describeVerdict } from './check-history.ts';
import { decodeHistory, isHistoryFile } from './history-file.ts';
import { isJepsenLog, parseJepsenLog } from './jepsen-log.ts';
import type { Operation } from './operation.ts';

const usage = 'usage: npm run -s check-history -- FILE...\n';
const exitCodes = { linearizable: 0, notLinearizable: 1, undecided: 2 } as const;

/** Prints a verdict on each file; the worst of them is the exit code. */
function main(files: readonly string[]): number {
  if (files.includes('--help')) {
    process.stdout.write(usage);
    return 0;
  }
  if (files.length === 0) {
    process.stderr.write(usage);
    return 2;
  }
  return Math.max(...files.map((file) => checkFile(file, files.length > 1 ? `${file}: ` : '')));
}

function checkFile(file: string, prefix: string): number {
  let operations: readonly Operation[];
  try {
    operations = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    process.stderr.write(`check-history: ${file}: ${describeError(error)}\n`);
    return 2;
  }
  const verdict = checkLinearizability(operations);
  for (const [index, line] of describeVerdict(verdict).entries()) {
    process.stdout.write(`${index === 0 ? prefix : ''}${line}\n`);
  }
  return exitCodes[verdict.type];
}

function parse(text: string): readonly Operation[] {
  if (isHistoryFile(text)) return decodeHistory(text);
  if (isJepsenLog(text)) return parseJepsenLog(text);
  throw new Error('neither a d-engine history nor a jepsen log');
}

process.exitCode = main(process.argv.slice(2));
