import { defineConfig } from 'vitest/config'

// What breaks on purpose: kills, full disks, leaping clocks. Takes minutes and root, so `npm test` leaves it out.
export default defineConfig({
  test: {
    name: 'faults',
    include: ['tests/faults/**/*.test.ts'],
    globalSetup: ['tests/support/global-setup.ts'],
    chaiConfig: { truncateThreshold: 400 },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 15_000, interval: 100 } },
    // Much of it is waiting for a time to pass; more than two would compete for what they measure.
    maxWorkers: 2,
  },
})
