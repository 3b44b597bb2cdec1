import { basename } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What takes longest begins first: begun last, it would go on alone. By size, as usual, the longest would be last. */
const LONGEST = ['clock', 'soak', 'kill', 'disk', 'single-use', 'storm', 'damage'].map(name => `${name}.test.ts`)

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => LONGEST.indexOf(basename(moduleId)) + 1 || LONGEST.length + 1
    return files.toSorted((a, b) => place(a) - place(b))
  }
}

/**
 * What measures what the server can do, and then asks for a share of that: nothing else may take the machine meanwhile.
 */
const MEASURING = ['tests/faults/drain.test.ts', 'tests/faults/rude-clients.test.ts']

const common = {
  globalSetup: ['tests/support/global-setup.ts'],
  testTimeout: 120_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 15_000, interval: 100 } },
}

// What breaks on purpose: kills, full disks, leaping clocks. Takes minutes and root, so `npm test` leaves it out.
export default defineConfig({
  test: {
    chaiConfig: { truncateThreshold: 400 },
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...common,
          name: 'faults',
          include: ['tests/faults/**/*.test.ts'],
          exclude: MEASURING,
          // Much of it is waiting for a time to pass; more than two would compete for what they measure.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...common,
          name: 'faults under load',
          include: MEASURING,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
