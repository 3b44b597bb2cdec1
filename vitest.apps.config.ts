import { defineConfig } from 'vitest/config'

// Other people's applications with the packed npm package: frameworks in front, tools and APIs behind.
export default defineConfig({
  test: {
    chaiConfig: { truncateThreshold: 400 },
    include: ['tests/apps/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    globalSetup: ['tests/support/package-setup.ts'],
    testTimeout: 120_000,
    expect: { poll: { timeout: 15_000, interval: 100 } },
    // Installs what the applications need.
    hookTimeout: 600_000,
    maxWorkers: 2,
  },
})
