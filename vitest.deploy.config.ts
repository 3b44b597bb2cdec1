import { defineConfig } from 'vitest/config'

// What is shipped, as its operators run it: behind real reverse proxies, in a root of its own, across restarts and upgrades.
export default defineConfig({
  test: {
    chaiConfig: { truncateThreshold: 400 },
    include: ['tests/deploy/**/*.test.ts'],
    globalSetup: ['tests/support/package-setup.ts'],
    testTimeout: 120_000,
    expect: { poll: { timeout: 15_000, interval: 100 } },
    hookTimeout: 600_000,
    maxWorkers: 2,
    passWithNoTests: true,
  },
})
