import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // A difference is of use only when it can be read.
    chaiConfig: { truncateThreshold: 400 },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['server/**/*.test.ts', 'web/**/*.test.ts', 'drizzle/**/*.test.ts', 'bench/**/*.test.ts', 'tests/structure/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/.nuxt/**', '**/.output/**'],
          // Password hashes and durable writes on a busy machine: slow is not wrong.
          testTimeout: 20_000,
          // Half of the time is the disk's: one worker would leave a core idle.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['tests/e2e/**/*.test.ts'],
          globalSetup: ['tests/support/global-setup.ts'],
          testTimeout: 60_000,
          expect: { poll: { timeout: 15_000, interval: 100 } },
          hookTimeout: 120_000,
          // Each file starts servers, and most a browser, and waits for what is to happen: three share two cores well.
          // After the unit tests, so that nothing else competes.
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
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
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
})
