import { afterAll, describe, expect, test } from 'vitest'
import type { ResetLinkAnswer, SessionAnswer } from '../../server/contract/wire.ts'
import { databaseFile } from '../../server/store/files.ts'
import { type Answer, Visitor } from '../support/client.ts'
import { codeIn, invite, setUp, signUp, somebody } from '../support/people.ts'
import { type Server, SETUP_CODE, startServer, stopAll } from '../support/server.ts'
import { onDisk, whileRunning } from './support/checker.ts'
import { report } from './support/figures.ts'
import { strace, testWith } from './support/machine.ts'
import { attach, inject, type Tracer } from './support/strace.ts'

const RACERS = 50
const SETTINGS = { LOG_LEVEL: 'warn' }

afterAll(stopAll)

/** Something that is good for one use. A new one (a sign-in's transaction, say) is one more entry of the list below. */
interface SingleUse {
  what: string
  /** Makes one. */
  make(server: Server): Promise<Made>
  /** The problem that everybody gets who comes too late. */
  refusal: string
  /** Where the process is killed: at which of its writes to the log, or at which sync of it, while three race. Some lie between
   * the check and the commit, some between the commit and the answer. */
  moments: { call: 'fsync' | 'pwrite64', when: number }[]
}
interface Made {
  use(racer: Visitor): Promise<Answer>
  /** SQL that counts how often it was used. */
  uses: string
}

const setUpCode: SingleUse = {
  what: 'the set-up code',
  refusal: 'already_set_up',
  moments: [{ call: 'fsync', when: 1 }, { call: 'fsync', when: 2 }, { call: 'pwrite64', when: 3 }],
  make: async () => ({
    use: racer => racer.post('/auth/setup', { code: SETUP_CODE, ...somebody() }),
    uses: "SELECT count(*) FROM events WHERE kind = 'account_created'",
  }),
}

const invitation: SingleUse = {
  what: 'an invitation',
  refusal: 'invalid_code',
  // The first three writes only count who comes from where.
  moments: [{ call: 'fsync', when: 4 }, { call: 'fsync', when: 5 }, { call: 'pwrite64', when: 9 }, { call: 'pwrite64', when: 15 }],
  async make(server) {
    const { browser: admin } = await setUp(server.origin)
    const code = await invite(admin)
    return {
      use: racer => racer.post('/auth/register', { ...somebody('Invited'), invite: code }),
      uses: "SELECT count(*) FROM accounts WHERE name = 'Invited'",
    }
  },
}

const resetLink: SingleUse = {
  what: 'a reset link',
  refusal: 'invalid_code',
  moments: [{ call: 'fsync', when: 1 }, { call: 'fsync', when: 2 }, { call: 'pwrite64', when: 3 }],
  async make(server) {
    const { browser: admin } = await setUp(server.origin)
    const { browser } = await signUp(admin)
    const { user } = await browser.session() satisfies SessionAnswer
    const code = codeIn((await admin.post(`/auth/people/${user?.id ?? ''}/reset`)).json<ResetLinkAnswer>().href)
    return {
      use: racer => racer.post('/auth/reset', { code, password: somebody().password }),
      uses: "SELECT count(*) FROM events WHERE kind = 'password_reset'",
    }
  },
}

const SINGLE_USES = [setUpCode, invitation, resetLink]

const count = (dataDir: string, sql: string, look: typeof onDisk) => look(dataDir, db => Number(db.prepare(sql).pluck().get()))

/** @returns the answers, null for each that was lost */
const race = (server: Server, made: Made, racers: number) =>
  Promise.all(Array.from({ length: racers }, () => made.use(new Visitor(server.origin)).catch(() => null)))

const wins = (answers: (Answer | null)[]) => answers.filter(answer => answer?.status === 200).length

describe.each(SINGLE_USES)('$what', ({ make, refusal }) => {
  test(`used by ${RACERS} at once, one wins and the others are told so`, async () => {
    const server = await startServer({ settings: SETTINGS })
    const made = await make(server)
    const answers = await race(server, made, RACERS)
    expect(wins(answers)).toBe(1)
    const codes = answers.filter(answer => answer?.status !== 200).map(answer => answer?.json<{ code: string }>().code)
    expect(new Set(codes)).toEqual(new Set([refusal]))
    expect(count(server.dataDir, made.uses, whileRunning)).toBe(1)
    await server.stop()
  })
})

describe.each(SINGLE_USES)('$what, in a server that is killed', ({ what, make, moments }) => {
  testWith(strace)('at any moment between check, commit and answer is used at most once, and once when it is tried again', async () => {
    let kills = 0
    let used = 0
    await Promise.all([0, 1].map(async (lane) => {
      for (const moment of moments.filter((_, at) => at % 2 === lane)) {
        const server = await startServer({ settings: SETTINGS })
        const made = await make(server)
        const tracer = await killAt(server, moment)
        const first = await race(server, made, 3)
        // The later moments never come where little is written.
        const killed = first.includes(null)
        await (killed ? server.exit() : server.stop('SIGKILL'))
        await tracer.detach()
        const before = count(server.dataDir, made.uses, onDisk)
        expect(before).toBeLessThanOrEqual(1)
        // Who was told that it worked can rely on it.
        expect(wins(first)).toBeLessThanOrEqual(before)

        const next = await startServer({ settings: SETTINGS, dataDir: server.dataDir, port: server.port })
        const second = await race(next, made, 3)
        expect(wins(second)).toBe(1 - before)
        expect(count(server.dataDir, made.uses, whileRunning)).toBe(1)
        await next.stop('SIGKILL')
        if (killed) kills += 1
        if (killed) used += before
      }
    }))
    expect(kills).toBeGreaterThan(1)
    report(`single-use ${what}`, { moments: moments.length, kills, committedBeforeTheKill: used })
  })
})

function killAt(server: Server, { call, when }: { call: string, when: number }): Promise<Tracer> {
  return attach(server.pid, inject([call], [`${databaseFile(server.dataDir)}-wal`], `signal=SIGKILL:when=${when}`))
}
