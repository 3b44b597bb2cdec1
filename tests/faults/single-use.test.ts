import { afterAll, describe, expect, test } from 'vitest'
import type { ResetLinkAnswer, SessionAnswer } from '../../server/contract/wire.ts'
import { databaseFile } from '../../server/store/sqlite/files.ts'
import { type Answer, Visitor } from '../support/client.ts'
import { codeIn, invite, setUp, signUp, somebody } from '../support/people.ts'
import { providerStage } from '../support/provider-stage.ts'
import { begin, comeBack, walkThroughProvider } from '../support/provider-visit.ts'
import { ALMA } from '../support/provider.ts'
import { type Server, type Settings, SETUP_CODE, startServer, stopAll } from '../support/server.ts'
import { onDisk, whileRunning } from '../support/faults/checker.ts'
import { report } from '../support/faults/figures.ts'
import { strace, testWith } from '../support/faults/machine.ts'
import { attach, inject, type Tracer } from '../support/faults/strace.ts'

const RACERS = 50
const SETTINGS = { LOG_LEVEL: 'warn' }

afterAll(stopAll)

/** Something that is good for one use. A new one is one more entry of the list below. */
interface SingleUse {
  what: string
  /** A fresh server, and one of it. */
  make(): Promise<Made>
  /** The problem that everybody gets who comes too late. */
  refusal: string
  /**
   * Where the process is killed: at which of its writes to the log, or at which sync of it, while three race. Some lie
   * between the check and the commit, some between the commit and the answer.
   */
  moments: { call: 'fsync' | 'pwrite64'; when: number }[]
}
interface Made {
  server: Server
  /** What the server was started with. */
  settings: Settings
  /** Somebody's attempt. */
  use(): Promise<Answer>
  /** null: it worked; else the problem's code. */
  problemOf(answer: Answer): string | null
  /** SQL that counts how often it brought about what it is for. */
  uses: string
  /** SQL that counts how often it was used up, where that is one step and its effect a later one. */
  spent?: string
  /** How often it was used at somebody else's. */
  usesElsewhere?(): number
}

/** A one-time code, as a script sends it. */
async function codeOn(
  server: Server,
  { send, uses }: { send(racer: Visitor): Promise<Answer>; uses: string },
): Promise<Made> {
  return {
    server,
    settings: SETTINGS,
    uses,
    use: () => send(new Visitor(server.origin)),
    problemOf: answer => (answer.status === 200 ? null : answer.json<{ code: string }>().code),
  }
}

const setUpCode: SingleUse = {
  what: 'the set-up code',
  refusal: 'already_set_up',
  moments: [
    { call: 'fsync', when: 1 },
    { call: 'fsync', when: 2 },
    { call: 'pwrite64', when: 3 },
  ],
  make: async () =>
    codeOn(await startServer({ settings: SETTINGS }), {
      send: racer => racer.post('/auth/setup', { code: SETUP_CODE, ...somebody() }),
      uses: "SELECT count(*) FROM events WHERE kind = 'account_created'",
    }),
}

const invitation: SingleUse = {
  what: 'an invitation',
  refusal: 'invalid_code',
  // The first three writes only count who comes from where.
  moments: [
    { call: 'fsync', when: 4 },
    { call: 'fsync', when: 5 },
    { call: 'pwrite64', when: 9 },
    { call: 'pwrite64', when: 15 },
  ],
  async make() {
    const server = await startServer({ settings: SETTINGS })
    const { browser: admin } = await setUp(server.origin)
    const code = await invite(admin)
    return codeOn(server, {
      send: racer => racer.post('/auth/register', { ...somebody('Invited'), invite: code }),
      uses: "SELECT count(*) FROM accounts WHERE name = 'Invited'",
    })
  },
}

const resetLink: SingleUse = {
  what: 'a reset link',
  refusal: 'invalid_code',
  moments: [
    { call: 'fsync', when: 1 },
    { call: 'fsync', when: 2 },
    { call: 'pwrite64', when: 3 },
  ],
  async make() {
    const server = await startServer({ settings: SETTINGS })
    const { browser: admin } = await setUp(server.origin)
    const { browser } = await signUp(admin)
    const { user } = (await browser.session()) satisfies SessionAnswer
    const code = codeIn((await admin.post(`/auth/people/${user?.id ?? ''}/reset`)).json<ResetLinkAnswer>().href)
    return codeOn(server, {
      send: racer => racer.post('/auth/reset', { code, password: somebody().password }),
      uses: "SELECT count(*) FROM events WHERE kind = 'password_reset'",
    })
  },
}

/** One who went to the provider comes back many times, each with the same cookie and at the same address. */
const signInTransaction: SingleUse = {
  what: 'a sign-in transaction',
  refusal: 'login_expired',
  // It is used up, the account is made, the session is opened: three commits, and the provider is asked after the
  // first.
  moments: [
    { call: 'pwrite64', when: 1 },
    { call: 'fsync', when: 1 },
    { call: 'fsync', when: 2 },
    { call: 'fsync', when: 3 },
    { call: 'fsync', when: 4 },
  ],
  async make() {
    const { server, settings, origin, at } = await providerStage({ plain: {} }, SETTINGS)
    const { issuer, requests } = at('plain')
    const browser = new Visitor(origin)
    const back = await walkThroughProvider(
      new Visitor(issuer),
      await begin(browser, { as: 'plain', returnTo: '/account' }),
      ALMA,
    )
    return {
      server,
      settings,
      use: () => comeBack(browser.thief(), back),
      problemOf({ status, headers: { location = '' } }) {
        if (status === 303 && location === '/account') return null
        return new URL(location, origin).searchParams.get('problem') ?? `${status} ${location}`
      },
      uses: "SELECT count(*) FROM events WHERE kind = 'signed_in' AND user_id IN (SELECT user_id FROM identities)",
      spent: "SELECT count(*) FROM single_uses WHERE key LIKE 'login:%'",
      usesElsewhere: () => requests.filter(request => request === 'POST /token').length,
    }
  },
}

const SINGLE_USES = [setUpCode, invitation, resetLink, signInTransaction]

const count = (dataDir: string, sql: string, look: typeof onDisk) =>
  look(dataDir, db => Number(db.prepare(sql).pluck().get()))

/** @returns the answers, null for each that was lost */
const race = (made: Made, racers: number) =>
  Promise.all(Array.from({ length: racers }, () => made.use().catch(() => null)))

const wins = (made: Made, answers: (Answer | null)[]) =>
  answers.filter(answer => answer !== null && made.problemOf(answer) === null).length

describe.each(SINGLE_USES)('$what', ({ make, refusal }) => {
  test(`used by ${RACERS} at once, one wins and the others are told so`, async () => {
    const made = await make()
    const { server } = made
    const outcomes = (await race(made, RACERS)).map(answer => (answer === null ? 'no answer' : made.problemOf(answer)))
    expect(outcomes.filter(outcome => outcome === null)).toHaveLength(1)
    expect(outcomes.filter(outcome => outcome !== null)).toEqual(Array(RACERS - 1).fill(refusal))
    expect(count(server.dataDir, made.uses, whileRunning)).toBe(1)
    if (made.usesElsewhere) expect(made.usesElsewhere()).toBe(1)
    await server.stop()
  })
})

describe.each(SINGLE_USES)('$what, in a server that is killed', ({ what, make, moments }) => {
  testWith(strace)(
    'at any moment between check, commit and answer is used at most once, and once when it is tried again before it was used up',
    async () => {
      const found = { kills: 0, usedUpBeforeTheKill: 0, madeBeforeTheKill: 0 }
      await Promise.all(
        [0, 1].map(async lane => {
          for (const moment of moments.filter((_, at) => at % 2 === lane)) {
            const made = await make()
            const { server } = made
            const tracer = await killAt(server, moment)
            const first = await race(made, 3)
            // The later moments never come where little is written.
            const killed = first.includes(null)
            await (killed ? server.exit() : server.stop('SIGKILL'))
            await tracer.detach()
            const before = count(server.dataDir, made.uses, onDisk)
            const spent = count(server.dataDir, made.spent ?? made.uses, onDisk)
            expect(before).toBeLessThanOrEqual(spent)
            expect(spent).toBeLessThanOrEqual(1)
            // Who was told that it worked can rely on it.
            expect(wins(made, first)).toBeLessThanOrEqual(before)

            const next = await startServer({ settings: made.settings, dataDir: server.dataDir, port: server.port })
            const second = await race(made, 3)
            expect(wins(made, second)).toBe(1 - spent)
            expect(count(server.dataDir, made.uses, whileRunning)).toBe(before + 1 - spent)
            if (made.usesElsewhere) expect(made.usesElsewhere()).toBeLessThanOrEqual(1)
            await next.stop('SIGKILL')
            if (killed) {
              found.kills += 1
              found.usedUpBeforeTheKill += spent
              found.madeBeforeTheKill += before
            }
          }
        }),
      )
      report(`single-use ${what}`, { moments: moments.length, ...found })
      // Kills on one side of the commit only would prove half of it.
      expect(found.usedUpBeforeTheKill).toBeGreaterThan(0)
      expect(found.kills).toBeGreaterThan(found.usedUpBeforeTheKill)
    },
  )
})

function killAt(server: Server, { call, when }: { call: string; when: number }): Promise<Tracer> {
  return attach(server.pid, inject([call], [`${databaseFile(server.dataDir)}-wal`], `signal=SIGKILL:when=${when}`))
}
