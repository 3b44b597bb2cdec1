import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sqliteBench } from '../../store/store.testing.ts'
import type { createSessions } from '../sessions.ts'
// The random lives of the model, more of them.
import './model.test.ts'
import { actions, play, PROFILES } from './random.testing.ts'
import { SCENARIOS } from './scenarios.testing.ts'
import { createWorld } from './world.testing.ts'

// Each entry removes one rule from the real code. The traces or random histories must fail: a rule whose absence goes
// unnoticed is either untested or unnecessary.
const MUTATIONS: { without: string; file: string; find: string; put: string }[] = [
  {
    without: 'the wait before a generation counts as confirmed',
    file: 'judge.ts',
    find: '&& issuedAge > numbers.confirmMs',
    put: '',
  },
  {
    without: 'sending nothing to a rotated-out token until the newest is confirmed',
    file: 'judge.ts',
    find: 'at.seen === at.newest && at.issuedAge <= numbers.confirmMs',
    put: 'false',
  },
  {
    without: 'the grace period for late requests',
    file: 'judge.ts',
    find: "at.provenAge <= numbers.graceMs ? 'serve'",
    put: "false ? 'serve'",
  },
  {
    without: 'the end of the grace period',
    file: 'judge.ts',
    find: "at.provenAge <= numbers.graceMs ? 'serve'",
    put: "true ? 'serve'",
  },
  {
    without: 'the minimum time between rotations',
    file: 'judge.ts',
    find: "at.issuedAge <= numbers.graceMs ? 'access_only'",
    put: "false ? 'access_only'",
  },
  {
    without: 'rotation',
    file: 'judge.ts',
    find: "at.issuedAge <= numbers.graceMs ? 'access_only'",
    put: "true ? 'access_only'",
  },
  {
    without: 'sending an unconfirmed generation again',
    file: 'judge.ts',
    find: "return isUnconfirmed ? 'serve' : 'again'",
    put: "return isUnconfirmed ? 'serve' : 'reuse'",
  },
  {
    without: 'the verdict "beside"',
    file: 'judge.ts',
    find: "return isBeside ? 'beside' : 'pass'",
    put: "return 'pass'",
  },
  {
    without: 'considering the refresh token before an access token confirms anything',
    file: 'judge.ts',
    find: 'presented.access?.generation === newest && !isOlder',
    put: 'presented.access?.generation === newest',
  },
  {
    without: 'the rollback verdict for a refresh token of a future generation',
    file: 'judge.ts',
    find: "if (presented > at.newest) return 'rolled_back'",
    put: "if (presented > at.newest) return 'reuse'",
  },
  {
    without: 'the rollback verdict for an access token of a future generation',
    file: 'judge.ts',
    find: "if (access !== null && access.generation > at.newest) return 'rolled_back'",
    put: '',
  },
  {
    without: 'ending a session whose older tokens reappear',
    file: 'judge.ts',
    find: "if (presented < at.newest - 1) return 'reuse'",
    put: "if (presented < at.newest - 1) return 'serve'",
  },
  {
    without: 'counting the grace period from the confirmation',
    file: 'judge.ts',
    find: 'return Math.min(onDisk, inMemory)',
    put: 'return Math.max(0, now.wall - row.rotatedAt)',
  },
  {
    without: 'the idle end',
    file: 'judge.ts',
    find: 'now.wall < Math.min(idleEnd, row.absoluteEndsAt)',
    put: 'now.wall < row.absoluteEndsAt',
  },
  {
    without: 'the absolute end',
    file: 'judge.ts',
    find: 'now.wall < Math.min(idleEnd, row.absoluteEndsAt)',
    put: 'now.wall < idleEnd',
  },
  {
    without: 'serving a replaced session for a moment',
    file: 'judge.ts',
    find: "replacedAge <= Math.min(numbers.confirmMs, REPLACED_SERVED_MS) ? 'replaced'",
    put: "false ? 'replaced'",
  },
  {
    without: 'the end of that moment',
    file: 'judge.ts',
    find: "replacedAge <= Math.min(numbers.confirmMs, REPLACED_SERVED_MS) ? 'replaced'",
    put: "replacedAge < Infinity ? 'replaced'",
  },
  {
    without: 'the maximum of ten seconds for it',
    file: 'judge.ts',
    find: 'Math.min(numbers.confirmMs, REPLACED_SERVED_MS)',
    put: 'numbers.confirmMs',
  },
  {
    without: 'checking that the successor is still active',
    file: 'session-runtime.ts',
    find: 'return rows.get(last.sidHash)?.endedAt === null ? first.at : null',
    put: 'return first.at',
  },
  {
    without: 'following replacements to the last successor',
    file: 'session-runtime.ts',
    find: 'later !== undefined; later = successors',
    put: 'false; later = successors',
  },
  {
    without: 'refreshing ahead of expiry',
    file: 'judge.ts',
    find: 'Math.min(MINUTE, numbers.accessMs / 15)',
    put: '0',
  },
  {
    without: 'checking the generation when the headers are sent',
    file: 'issue-cookies.ts',
    find: 'row.generation === issued.generation &&',
    put: '',
  },
  {
    without: 'checking for an end when the headers are sent',
    file: 'issue-cookies.ts',
    find: 'row.endedAt === null &&',
    put: '',
  },
  {
    without: 'checking the age when the headers are sent',
    file: 'issue-cookies.ts',
    find: '<= GRANT_LIFE_MS',
    put: '< Infinity',
  },
  {
    without: 'judging the row inside the transaction',
    file: 'resolve.ts',
    find: 'const { verdict } = judge(current, runtime, presented, numbers, now)',
    put: "const verdict = 'rotate'",
  },
  {
    without: 'the difference between polling and activity',
    file: 'resolve.ts',
    find: 'if (traits.foreground) memory.active',
    put: 'if (true) memory.active',
  },
  {
    without: 'recording activity',
    file: 'resolve.ts',
    find: 'if (traits.foreground) memory.active',
    put: 'if (false) memory.active',
  },
  {
    without: 'ignoring an access token of another session',
    file: 'resolve.ts',
    find: 'access?.sid === refresh.sid ? access : null',
    put: 'access',
  },
  {
    without: 'verifying the tag',
    file: 'resolve.ts',
    find: 'withdrawn || tokens.isGenuine(refresh, row)',
    put: 'true',
  },
  { without: 'the expiry of access tokens', file: 'resolve.ts', find: 'access.endsAt > now.wall &&', put: '' },
  {
    without: 'rejecting access tokens dated in the future',
    file: 'resolve.ts',
    find: '&& access.issuedAt - now.wall <= numbers.confirmMs',
    put: '',
  },
  {
    without: 'sending nothing to upgrades',
    file: 'resolve.ts',
    find: 'traits.renews ? sendsFor(verdict) : null',
    put: 'sendsFor(verdict)',
  },
  {
    without: 'not rotating for upgrades',
    file: 'resolve.ts',
    find: "(verdict === 'rotate' && traits.renews)",
    put: "verdict === 'rotate'",
  },
  {
    without: 'skipping a refresh that fails',
    file: 'resolve.ts',
    find: 'presented.access === null ||',
    put: 'true ||',
  },
  {
    without: 'failing closed once the access token has expired',
    file: 'resolve.ts',
    find: "verdict !== 'rotate' || presented.access === null ||",
    put: '',
  },
  {
    without: 'restarting the confirmation when a generation is sent again',
    file: 'resolve.ts',
    find: "if (verdict !== 'access_only') memory.issued(runtime, now)",
    put: '',
  },
  {
    without: 'counting from the start of the process',
    file: 'session-runtime.ts',
    find: 'Math.max(rotatedAt, deps.startedAt)',
    put: 'rotatedAt',
  },
  {
    without: 'keeping what the rules need for the grace period',
    file: 'session-runtime.ts',
    find: 'if (!recent && of',
    put: 'if (of',
  },
  { without: 'writing last-seen times', file: 'sessions.ts', find: 'await store.saveProgress(batch)', put: '' },
]

const SOURCE = resolve(import.meta.dirname, '..')
const MUTANTS = resolve(import.meta.dirname, '../../../.cache/mutants')
const bench = sqliteBench()

beforeAll(() => rmSync(MUTANTS, { recursive: true, force: true }))
afterAll(() => {
  rmSync(MUTANTS, { recursive: true, force: true })
  bench.close()
})

/** A copy of the room with one piece of text replaced; its imports from other rooms remain real. */
async function mutant(index: number, mutation: (typeof MUTATIONS)[number]): Promise<typeof createSessions> {
  const folder = join(MUTANTS, String(index))
  mkdirSync(folder, { recursive: true })
  expect(existsSync(join(SOURCE, mutation.file)), `${mutation.file} is there`).toBe(true)
  for (const name of readdirSync(SOURCE).filter(file => file.endsWith('.ts') && !file.endsWith('.test.ts'))) {
    let text = readFileSync(join(SOURCE, name), 'utf8')
    if (name === mutation.file) {
      expect(text.split(mutation.find).length, `"${mutation.find}" stands once in ${name}`).toBe(2)
      text = text.replace(mutation.find, () => mutation.put)
    }
    writeFileSync(join(folder, name), text.replaceAll("from '../", `from '${resolve(SOURCE, '..')}/`))
  }
  const module = (await import(/* @vite-ignore */ pathToFileURL(join(folder, 'sessions.ts')).href)) as {
    createSessions: typeof createSessions
  }
  return module.createSessions
}

async function fails(make: typeof createSessions): Promise<string | null> {
  const inWorld = async (run: (world: ReturnType<typeof createWorld>) => Promise<void>) => {
    const world = createWorld({ bench, make })
    try {
      await run(world)
    } finally {
      await world.stop()
    }
  }
  for (const scenario of SCENARIOS) {
    try {
      await inWorld(scenario.run)
    } catch {
      return scenario.name
    }
  }
  for (const profile of PROFILES) {
    const result = await fc.check(
      fc.asyncProperty(actions, list => inWorld(world => play(world, profile, list))),
      { numRuns: 40, seed: 7, endOnFailure: true },
    )
    if (result.failed) return profile.name
  }
  return null
}

for (const [index, mutation] of MUTATIONS.entries()) {
  test(`the rules fail without ${mutation.without}`, { timeout: 60_000 }, async () => {
    expect(await fails(await mutant(index, mutation)), 'nothing noticed').not.toBeNull()
  })
}
