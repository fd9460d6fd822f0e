// Prints `PASSED FAILED SKIPPED` of a vitest JSON report. A missing or unreadable report, and a
// file that failed before its first test, count as one failure each: nothing fails silently.
import { readFileSync } from 'node:fs';

const [file] = process.argv.slice(2);
console.log(countTests(file).join(' '));

function countTests(path) {
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'));
    const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
    const withStatus = (status) => tests.filter((test) => test.status === status).length;
    const passed = withStatus('passed');
    const brokenFiles = report.testResults.filter(
      ({ status, assertionResults }) =>
        status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
    ).length;
    const failed = withStatus('failed') + brokenFiles;
    const nothingRan = passed + failed === 0;
    return [passed, nothingRan ? 1 : failed, tests.length - passed - withStatus('failed')];
  } catch (error) {
    console.error(`no test report: ${error.message}`);
    return [0, 1, 0];
  }
}
