import { defineConfig } from 'vitest/config'

// The npm package as strangers get it: built, packed and installed into an empty folder, on each Node that it supports.
export default defineConfig({
  test: {
    chaiConfig: { truncateThreshold: 400 },
    include: ['packaging/**/*.test.ts'],
    globalSetup: ['tests/support/package-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    maxWorkers: 1,
  },
})
