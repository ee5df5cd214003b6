// Prints the closing line of a test run from vitest's JSON report and its exit code.
import { readFileSync } from 'node:fs'

const [file, exitCode] = process.argv.slice(2)
const report = JSON.parse(readFileSync(file, 'utf8'))
const skipped = report.numPendingTests + report.numTodoTests
const brokenFiles = report.testResults.filter(
  (f) => f.status === 'failed' && f.assertionResults.length === 0,
).length
const failed = report.numFailedTests + brokenFiles
// What was thrown outside any test, such as by a timer, is in the exit code alone.
const unhandled = failed === 0 && exitCode !== '0' ? 1 : 0
console.log(`${report.numPassedTests} passed, ${failed + unhandled} failed, ${skipped} skipped`)
