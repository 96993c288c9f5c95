// Adds up what the runs of jest reported into the given directory. Where a step failed that is no test, that is one failure.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [directory, status] = process.argv.slice(2);
let passed = 0;
let failed = 0;
for (const name of readdirSync(directory)) {
  const report = JSON.parse(readFileSync(join(directory, name), 'utf8'));
  passed += report.numPassedTests;
  // A file that cannot even be loaded has no tests that fail.
  failed += report.numFailedTests + report.numRuntimeErrorTestSuites;
}
if (status !== '0' && failed === 0) failed = 1;
console.log(`${passed} passed, ${failed} failed`);
