import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/**
 * Files of all kinds at once: most end-to-end files wait for what is to happen, and units need the processor meanwhile.
 */
const WORKERS = Math.min(Math.ceil(availableParallelism() * 2.5), 12)

const NO_TESTS_OF_OURS = ['**/node_modules/**', '**/.nuxt/**', '**/.output/**']
/** What only varies a proof: `npm run test:more`. */
const MORE = '**/*.more.test.ts'

/** @param more whether to run what varies a proof, instead of the proofs */
export function suites(more: boolean) {
  const files = (...folders: string[]) => ({
    include: folders.map(folder => `${folder}/**/*${more ? '.more' : ''}.test.ts`),
    exclude: more ? NO_TESTS_OF_OURS : [...NO_TESTS_OF_OURS, MORE],
    maxWorkers: WORKERS,
    // Read by tests/support/varied.ts.
    env: more ? { VARIED: 'yes' } : {},
  })
  return defineConfig({
    test: {
      // A difference is of use only when it can be read.
      chaiConfig: { truncateThreshold: 400 },
      // Tests that are concurrent wait: the more of them at once, the better.
      maxConcurrency: 40,
      projects: [
        {
          test: {
            name: 'unit',
            ...files('server', 'site-build', 'module', 'web', 'drizzle', 'bench', 'tests/structure'),
            // Password hashes and durable writes on a busy machine: slow is not wrong.
            testTimeout: 60_000,
          },
        },
        {
          test: {
            name: 'e2e',
            ...files('tests/e2e'),
            globalSetup: ['tests/support/global-setup.ts'],
            testTimeout: 120_000,
            expect: { poll: { timeout: 15_000, interval: 100 } },
            hookTimeout: 120_000,
          },
        },
        {
          test: {
            name: 'examples',
            ...files('tests/examples'),
            globalSetup: ['tests/support/global-setup.ts'],
            testTimeout: 60_000,
            // The first run installs what the examples need.
            hookTimeout: 300_000,
          },
        },
      ],
    },
  })
}

export default suites(false)
