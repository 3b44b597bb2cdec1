import { relative } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../server.ts'

/** What each area takes of the whole time. Starting a process for each input is slow, so these get more. */
const SHARES = {
  'raw requests': 3,
  'proxy headers': 2,
  paths: 2,
  cookies: 2,
  bodies: 3,
  'upstream answers': 3,
  websockets: 3,
  presence: 1,
  'provider answers': 3,
  'discovery and keys': 5,
  'logout tokens': 2,
  configuration: 5,
  'damaged files': 6,
} as const
export type Area = keyof typeof SHARES

const WHOLE = Object.values(SHARES).reduce((sum, share) => sum + share, 0)
const SEED = Number(process.env['FUZZ_SEED'])
const PATH = process.env['FUZZ_PATH']
/** How long a smaller input that still fails is looked for. */
const SHRINK_MS = 20_000
/** Batches to a seed: fast-check looks for edge cases most at the beginning of each. */
const ROUND = 20

interface Attack<T> {
  input: fc.Arbitrary<T>
  /** So many inputs are thrown at once, before the invariants are looked at. */
  batch: number
  /** Named batches that broke something once: each is a test of its own. */
  seeds?: Record<string, T[]>
  /** Comes first, where the server has to be told of a whole batch. */
  prepare?: (inputs: readonly T[]) => Promise<void>
  /**
   * Throws one input at the server.
   * @throws when an answer to it is not what it should be
   */
  run: (input: T, at: number) => Promise<void>
  /** Looks on while a batch is under way. */
  beside?: (batch: Promise<unknown>) => Promise<void>
  /** What has to hold after every batch. */
  settle: () => Promise<void>
}

/** Registers the tests of one area: its named seeds, then whatever the time allows. */
export function fuzz<T>(area: Area, { input, batch, seeds = {}, prepare, run, beside, settle }: Attack<T>): void {
  const together = async (inputs: readonly T[]): Promise<void> => {
    await prepare?.(inputs)
    const batch = Promise.allSettled(inputs.map(run))
    const [outcomes, looked] = await Promise.all([batch, Promise.allSettled([beside?.(batch)])])
    const settled = await Promise.allSettled([settle()])
    // What an answer says of a fault is nearer to it than what the log does.
    for (const outcome of [...outcomes, ...looked, ...settled]) if (outcome.status === 'rejected') throw outcome.reason
  }
  describe(area, () => {
    for (const [title, inputs] of Object.entries(seeds)) test(title, () => together(inputs))
    test('random input breaks no invariant', () =>
      search(area, fc.array(input, { minLength: 1, maxLength: batch }), together))
  })
}

/** Rounds of a few batches, each with a seed that follows from the one given, until the time is over. */
async function search<T>(area: Area, input: fc.Arbitrary<T>, attempt: (input: T) => Promise<void>): Promise<void> {
  const until = Date.now() + (Number(process.env['FUZZ_SECONDS']) * 1000 * SHARES[area]) / WHOLE
  let failedAt: number | null = null
  let batches = 0
  const property = fc.asyncProperty(input, async value => {
    if (failedAt === null ? batches > 0 && Date.now() > until : Date.now() > failedAt + SHRINK_MS) return
    batches += 1
    try {
      await attempt(value)
    } catch (error) {
      failedAt ??= Date.now()
      throw error
    }
  })
  for (let seed = SEED; batches === 0 || Date.now() < until; seed++) {
    const found = await fc.check(
      property,
      PATH === undefined ? { seed, numRuns: ROUND } : { seed, path: PATH, endOnFailure: true, numRuns: 1 },
    )
    if (found.failed) throw new Error(report(area, found), { cause: found.errorInstance })
    if (PATH !== undefined) break
  }
  process.stdout.write(`fuzz: ${area}: ${batches} batches held\n`)
}

function report<T>(
  area: Area,
  { seed, counterexamplePath, counterexample, numShrinks, errorInstance }: fc.RunDetails<T>,
): string {
  const file = relative(ROOT, expect.getState().testPath ?? '')
  return [
    `${area}: an invariant broke: ${errorInstance instanceof Error ? errorInstance.message : String(errorInstance)}`,
    `the input, made smaller ${numShrinks} times: ${fc.stringify(counterexample)}`,
    `again, alone: FUZZ_SEED=${seed} FUZZ_PATH='${counterexamplePath ?? ''}' npm run test:fuzz -- ${file} -t '${area} > random'`,
  ].join('\n')
}
