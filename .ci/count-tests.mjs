// Prints "passed failed" from vitest's JSON report. Exit code and files that failed to load count too: a run that ended
// badly without a failed test, or that ran nothing, has one failure.
import { readFileSync } from 'node:fs'

const [, , file, exitCode] = process.argv
const report = JSON.parse(readFileSync(file, 'utf8'))
const passed = report.numPassedTests
const unloaded = report.testResults.filter(
  suite => suite.status === 'failed' && suite.assertionResults.every(test => test.status !== 'failed'),
).length
const skipped = report.numPendingTests + report.numTodoTests
let failed = report.numFailedTests + unloaded + skipped
if (failed === 0 && (exitCode !== '0' || passed === 0)) failed = 1
process.stdout.write(`${passed} ${failed}\n`)
