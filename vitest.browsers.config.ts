import { defineConfig } from 'vitest/config'

// The main journeys in Firefox and WebKit, as Debian has them. Chromium is everybody's: `npm test` has it.
export default defineConfig({
  test: {
    chaiConfig: { truncateThreshold: 400 },
    include: ['tests/browsers/**/*.test.ts'],
    globalSetup: ['tests/support/global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A browser takes all that two cores have.
    maxWorkers: 1,
  },
})
