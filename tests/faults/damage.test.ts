import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { databaseFile } from '../../server/store/sqlite/files.ts'
import { type Person, signIn, somebody } from '../support/people.ts'
import {
  runCommand,
  type Server,
  spawnServer,
  startServer,
  statusOf,
  stopAll,
  temporaryFolder,
  waitUntil,
} from '../support/server.ts'
import type { LoggedBrowser } from '../support/faults/browser.ts'
import { complaints, onDisk, wronged } from '../support/faults/checker.ts'
import { gather, inLanes } from '../support/faults/crowd.ts'
import { report } from '../support/faults/figures.ts'

const SETTINGS = { ACCESS_SECONDS: '300', REFRESH_CONFIRM_SECONDS: '0', REFRESH_GRACE_SECONDS: '1', LOG_LEVEL: 'warn' }
const PLACES = 12

afterAll(stopAll)

const startOn = (dataDir: string) => spawnServer({ dataDir, settings: SETTINGS })

describe('flipped bytes', () => {
  test(`in ${PLACES} places of the database: the start refuses in words, or nobody is more than they were; no crash, no 500`, async () => {
    const server = await startServer({ settings: SETTINGS })
    const { browsers } = await gather(server, 10)
    // A clean stop leaves one file, with everything in it.
    await server.stop()
    const file = databaseFile(server.dataDir)
    const whole = readFileSync(file)
    let refused = 0
    const [first] = browsers
    for (const places of placesIn(whole, first?.person ?? somebody())) {
      writeFileSync(file, flipped(whole, places))
      const next = await spawnServer({ dataDir: server.dataDir, port: server.port, settings: SETTINGS })
      if ((await outcome(next)) === 'started')
        await expectNobodyGains(browsers, `after flips at ${places.join()} of ${whole.length}`)
      else refused += 1
      await next.stop('SIGKILL')
    }
    expect(refused).toBeGreaterThan(0)
    report('flipped-bytes', { places: PLACES, refusedAtStart: refused, servedWithoutHarm: PLACES - refused })
  })

  test('under a running server: answers or refusals, the same process, nobody is more than they were; the next start refuses in words, and a backup helps', async () => {
    const server = await startServer({ settings: SETTINGS })
    const { browsers } = await gather(server, 10)
    const backup = join(temporaryFolder(), 'backup.db')
    expect(await runCommand(['backup', backup], { dataDir: server.dataDir })).toMatchObject({ code: 0 })
    for (const part of ['', '-wal']) {
      const file = databaseFile(server.dataDir) + part
      const whole = readFileSync(file)
      writeFileSync(
        file,
        flipped(
          whole,
          Array.from({ length: 200 }, (_, at) => Math.floor((whole.length * at) / 200)),
        ),
      )
    }
    await expectNobodyGains(browsers, 'while it runs')
    expect(server.running).toBe(true)
    await server.stop('SIGKILL')

    const next = await startOn(server.dataDir)
    expect(await outcome(next)).toBe('refused')
    const restored = await runCommand(['restore', backup, '--yes'], { dataDir: server.dataDir })
    expect(restored.code, restored.output).toBe(0)
    const last = await startServer({ dataDir: server.dataDir, port: server.port, settings: SETTINGS })
    const [first] = browsers as [LoggedBrowser]
    expect((await (await signIn(server.origin, first.person)).session()).user?.email).toBe(first.person.email)
    await last.stop('SIGKILL')
  })
})

describe('a key file that is gone', () => {
  test('a running server goes on; the next start refuses in words and touches nothing; put back, everybody is signed in', async () => {
    const server = await startServer({ settings: SETTINGS })
    const { browsers } = await gather(server, 5)
    const keys = join(server.dataDir, 'keys.json')
    const kept = join(server.dataDir, 'kept-elsewhere.json')
    renameSync(keys, kept)
    for (const browser of browsers) expect((await browser.session()).user?.email).toBe(browser.person.email)
    await server.stop('SIGKILL')

    const refused = await startOn(server.dataDir)
    expect(await refused.exit()).toBe(1)
    expect(refused.output).toMatch(/key file .* is missing/)
    expect(refused.output).not.toMatch(/^\s+at /m)
    expect(onDisk(server.dataDir, db => complaints(db, browsers, { alive: true }))).toEqual([])

    copyFileSync(kept, keys)
    const next = await startServer({ dataDir: server.dataDir, port: server.port, settings: SETTINGS })
    await inLanes(5, browsers, async browser => {
      expect((await browser.session()).user?.email).toBe(browser.person.email)
    })
    expect(wronged(browsers)).toEqual([])
    await next.stop()
  })

  test('cut short, it is refused in words', async () => {
    const server = await startServer({ settings: SETTINGS })
    await server.stop()
    const keys = join(server.dataDir, 'keys.json')
    writeFileSync(keys, readFileSync(keys).subarray(0, 100))
    const refused = await startOn(server.dataDir)
    expect(await refused.exit()).toBe(1)
    expect(refused.output).toMatch(/cannot be used: it is not valid JSON/)
  })
})

/** Where it would hurt most (the header, the schema, what rows say of people), then evenly over all pages. */
function placesIn(database: Buffer, person: Person): number[][] {
  const chosen = [
    [0],
    [20],
    [100],
    ...['CREATE TABLE', '["user"]', '["pwd"]', person.email].map(text => everywhere(database, text)),
  ]
  const spread = PLACES - chosen.length
  return [
    ...chosen,
    ...Array.from({ length: spread }, (_, at) => [Math.floor(((database.length - 1) * (at + 1)) / spread)]),
  ]
}

function everywhere(database: Buffer, text: string): number[] {
  const places: number[] = []
  for (let at = database.indexOf(text); at !== -1; at = database.indexOf(text, at + 1)) places.push(at + 1)
  expect(places, text).not.toEqual([])
  return places
}

function flipped(bytes: Buffer, places: readonly number[]): Buffer {
  const copy = Buffer.from(bytes)
  for (const place of places) copy[place] = ~(copy[place] ?? 0) & 0xff
  return copy
}

/** A start either works or says why not, to a person: it does neither crash nor hang. */
async function outcome(server: Server): Promise<'started' | 'refused'> {
  await waitUntil(
    async () => !server.running || (await statusOf(server.port, '/readyz')) !== null,
    'an outcome',
    () => server.output,
    60_000,
  )
  if (server.running) return 'started'
  expect(await server.exit()).toBe(1)
  expect(server.output).toMatch(
    /damaged|not a database|another program|newer version|another build|older than|missing|is empty/,
  )
  expect(server.output).not.toMatch(/^\s+at /m)
  return 'refused'
}

/** Whoever a browser is taken for, it is its own person or nobody; what cannot be read is 503. */
async function expectNobodyGains(browsers: readonly LoggedBrowser[], when: string): Promise<void> {
  const others = new Set(browsers.map(browser => browser.person.email))
  for (const browser of browsers) {
    // Each time with the cookies that it had before: what a damaged server gives away is not kept.
    const visitor = browser.thief()
    for (const due of [false, true]) {
      if (due) visitor.jar.drop('access')
      const answer = await visitor.get('/auth/session')
      expect([200, 503], `${when}: ${answer.text}`).toContain(answer.status)
      if (answer.status !== 200) expect(answer.setCookies).toEqual([])
      const email = answer.json<{ user?: { email: string } | null }>().user?.email
      if (email !== browser.person.email) expect(others.has(email ?? ''), `${when}: ${answer.text}`).toBe(false)
    }
  }
  const stranger = browsers[0]?.stranger()
  const nobody = await stranger?.get('/auth/session')
  expect([200, 503], when).toContain(nobody?.status)
  if (nobody?.status === 200) expect(nobody.json()).toMatchObject({ user: null })
}
