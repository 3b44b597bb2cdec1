import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import type { SessionBench } from '../../store/contract.testing.ts'
import { memoryBench } from '../../store/memory/memory.testing.ts'
import { retryingSessions } from '../../store/retrying.testing.ts'
import { sqliteBench } from '../../store/store.testing.ts'
import { varied } from '../../../tests/support/varied.ts'
import { createSessions } from '../sessions.ts'
import { BOUNDS } from './bounds.testing.ts'
import { actions, play, PROFILES } from './random.testing.ts'
import { SCENARIOS } from './scenarios.testing.ts'
import { createWorld } from './world.testing.ts'

const onDisk = sqliteBench()
const inMemory = memoryBench()
const twice = { ...inMemory, sessions: retryingSessions(inMemory.sessions) }
const reached = new Map<string, number>()
afterAll(onDisk.close)

async function inWorld(
  run: (world: ReturnType<typeof createWorld>) => Promise<void>,
  bench: SessionBench = onDisk,
): Promise<void> {
  const world = createWorld({ bench, make: createSessions })
  try {
    await run(world)
  } finally {
    await world.stop()
    for (const [verdict, times] of world.verdicts) reached.set(verdict, (reached.get(verdict) ?? 0) + times)
  }
}

describe('named traces, with the real session room and a real database', () => {
  for (const scenario of SCENARIOS) test(scenario.name, () => inWorld(scenario.run))
})

describe('the same traces on a store in memory that tries every transaction twice', () => {
  for (const scenario of SCENARIOS) test(scenario.name, () => inWorld(scenario.run, twice))
})

describe('the bounds are tight: just beyond them, an honest client is signed out', () => {
  for (const bound of BOUNDS) test(bound.name, () => inWorld(bound.run))
})

describe('random histories within the bounds: no honest client is signed out, and no second token chain begins', () => {
  for (const profile of PROFILES) {
    test(profile.name, { timeout: 60_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(actions, list => inWorld(world => play(world, profile, list))),
        { numRuns: varied(25, 80), seed: 20261123 },
      )
    })
  }
})

test('every verdict was reached many times, so that every rule is covered', () => {
  for (const verdict of [
    'pass',
    'beside',
    'access_only',
    'rotate',
    'again',
    'serve',
    'reuse',
    'rolled_back',
    'idle',
    'absolute',
    'ended',
    'replaced',
  ]) {
    expect(reached.get(verdict) ?? 0, verdict).toBeGreaterThan(verdict === 'absolute' || verdict === 'replaced' ? 0 : 1)
  }
})
