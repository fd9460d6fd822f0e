// Prints `PASSED FAILED SKIPPED` of a vitest JSON report, and on standard error a line `failed: ...`
// for each test that failed. A missing or unreadable report, and a file that failed before its
// first test, count as one failure each: nothing fails silently.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const [file, where = ''] = process.argv.slice(2);
const { counts, failures } = readReport(file);
for (const failure of failures) console.error(`failed: ${where}${failure}`);
console.log(counts.join(' '));

function readReport(path) {
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'));
    const failures = report.testResults.flatMap(failuresOfFile);
    const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
    const passed = tests.filter(({ status }) => status === 'passed').length;
    const failed = tests.filter(({ status }) => status === 'failed').length;
    if (tests.length === 0 && failures.length === 0) failures.push('no test ran');
    return { counts: [passed, failures.length, tests.length - passed - failed], failures };
  } catch (error) {
    return { counts: [0, 1, 0], failures: [`no test report: ${error.message}`] };
  }
}

function failuresOfFile({ name, status, message, assertionResults }) {
  const file = relative(process.cwd(), name);
  const failed = assertionResults.filter((test) => test.status === 'failed');
  if (status === 'failed' && failed.length === 0) return [`${file}: ${firstLine(message)}`];
  return failed.map(
    ({ fullName, failureMessages }) => `${file}: ${fullName}: ${firstLine(failureMessages[0])}`,
  );
}

function firstLine(text) {
  return (text ?? '').trim().split('\n', 1)[0].slice(0, 300);
}
