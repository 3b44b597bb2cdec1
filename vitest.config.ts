import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Files of all kinds at once: most end-to-end files wait for what is to happen, and units need the processor meanwhile. */
const WORKERS = Math.min(Math.ceil(availableParallelism() * 2.5), 12)

export default defineConfig({
  test: {
    // A difference is of use only when it can be read.
    chaiConfig: { truncateThreshold: 400 },
    // Tests that are concurrent wait: the more of them at once, the better.
    maxConcurrency: 40,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['server/**/*.test.ts', 'web/**/*.test.ts', 'drizzle/**/*.test.ts', 'bench/**/*.test.ts', 'tests/structure/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/.nuxt/**', '**/.output/**'],
          // Password hashes and durable writes on a busy machine: slow is not wrong.
          testTimeout: 60_000,
          maxWorkers: WORKERS,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['tests/e2e/**/*.test.ts'],
          globalSetup: ['tests/support/global-setup.ts'],
          testTimeout: 120_000,
          expect: { poll: { timeout: 15_000, interval: 100 } },
          hookTimeout: 120_000,
          maxWorkers: WORKERS,
        },
      },
      {
        test: {
          name: 'examples',
          include: ['tests/examples/**/*.test.ts'],
          globalSetup: ['tests/support/global-setup.ts'],
          testTimeout: 60_000,
          // The first run installs what the examples need.
          hookTimeout: 300_000,
          maxWorkers: WORKERS,
        },
      },
    ],
  },
})
