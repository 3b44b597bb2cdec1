import { randomInt } from 'node:crypto'
import { defineConfig } from 'vitest/config'

// Read by every worker; printed first, so that a run that was cut off can be repeated, too.
process.env['FUZZ_SEED'] ??= String(randomInt(2 ** 31 - 1))
process.env['FUZZ_SECONDS'] ??= '60'
process.stdout.write(`fuzz: FUZZ_SEED=${process.env['FUZZ_SEED']} FUZZ_SECONDS=${process.env['FUZZ_SECONDS']}\n`)

// Hostile input for as long as it is given, against the real server process; tests/fuzz/README.md says more.
export default defineConfig({
  test: {
    chaiConfig: { truncateThreshold: 400 },
    include: ['tests/fuzz/**/*.test.ts'],
    globalSetup: ['tests/support/global-setup.ts'],
    // Each area ends itself when its share of the time is over; shrinking and the last checks come on top.
    testTimeout: Number(process.env['FUZZ_SECONDS']) * 1000 + 120_000,
    hookTimeout: 120_000,
    // One file measures how long it waits for an answer: nothing else of ours may take the machine meanwhile.
    maxWorkers: 1,
  },
})
