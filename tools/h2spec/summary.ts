/** What h2spec says at its end. */
export interface H2specSummary {
  readonly tests: number;
  readonly passed: number;
  readonly skipped: number;
  readonly failed: number;
  /** Each with the section that it tests. */
  readonly failures: readonly string[];
}

/**
 * Reads the summary off the output, which is what h2spec prints for people: a line with the
 * numbers, and before it, if anything failed, the failed cases below the headings of their
 * sections. (Its JUnit report is no XML where an answer holds control characters.)
 */
export function parseSummary(output: string): H2specSummary {
  const numbers = /^(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed$/m.exec(output);
  if (numbers === null) throw new Error(`h2spec did not come to its end:\n${output}`);
  const [tests = 0, passed = 0, skipped = 0, failed = 0] = numbers.slice(1).map(Number);
  const failures = parseFailures(output);
  if (failures.length !== failed) {
    throw new Error(`h2spec counts ${failed} failures and names ${failures.length}:\n${output}`);
  }
  return { tests, passed, skipped, failed, failures };
}

function parseFailures(output: string): string[] {
  const failures: string[] = [];
  let section = '';
  const start = output.search(/^Failures:/m);
  for (const line of start < 0 ? [] : output.slice(start).split('\n')) {
    section = /^ *(\d+(?:\.\d+)*\. .+)$/.exec(line)?.[1] ?? section;
    const failure = /^ *× (\d+: .+)$/.exec(line)?.[1];
    if (failure !== undefined) failures.push(`${section}, ${failure}`);
  }
  return failures;
}
